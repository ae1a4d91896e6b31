"""The history as commands open it, and a run of it as people name one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from dashboard.commands import CommandError

if TYPE_CHECKING:
    from dashboard.record import RunRecord
    from dashboard.store import Store

__all__ = ["find_id", "find_run", "open_store"]


@contextmanager
def open_store() -> Iterator[Store]:
    """Open the history; whatever fails with it within the block is a usage error with its sentence."""
    from dashboard.cut_runs import mark_interrupted
    from dashboard.home import HomeError, data_home
    from dashboard.store import Store, StoreError, store_url

    try:
        with closing(Store.open(store_url(data_home()))) as store:
            with suppress(StoreError):  # a history that can only be read can still be read
                mark_interrupted(store)
            yield store
    except (HomeError, StoreError) as error:
        raise CommandError(str(error)) from error


def find_id(store: Store, run_id: str) -> str:
    """Return the id of the one run whose id is, or alone begins with, `run_id`; its record is not opened.

    Raises:
        CommandError: there is none, or there are several.
    """
    found = store.find(run_id, limit=4) if run_id else ()
    if run_id in found:
        return run_id
    if not found:
        raise CommandError(f"There is no run {run_id!r}. List them: python -m dashboard history list")
    if len(found) > 1:
        raise CommandError(f"Several runs begin with {run_id!r}: {', '.join(found)}. Give more of the id.")
    return found[0]


def find_run(store: Store, run_id: str) -> RunRecord:
    """Return the run that `find_id` finds.

    Raises:
        CommandError: there is none, or there are several.
    """
    record = store.load(find_id(store, run_id))
    if record is None:  # deleted between the two questions
        raise CommandError(f"There is no run {run_id!r} any more.")
    return record
