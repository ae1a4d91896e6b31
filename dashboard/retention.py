"""How long runs are kept, and how much of them: what is older, or too much, is deleted, oldest first.

Runs with a tag are kept whatever their age and size, and so is a run that is under way. Nothing is deleted
where no limit is set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.curation import CurationError, delete_runs
from dashboard.run_index import RunSummary
from dashboard.store import Store, StoreError

__all__ = ["ACTOR", "Pruned", "Retention", "RetentionError", "prune", "retention", "surplus"]

ACTOR: Final = "retention"
"""Who deletes runs that are too old or too much, among those who do things."""
DAYS: Final = "LOADONCE_KEEP_DAYS"
MEGABYTES: Final = "LOADONCE_KEEP_MB"
_DAY_S: Final = 86_400.0
_MB: Final = 1_000_000


class RetentionError(StoreError):
    """A limit is no number: one sentence that names the variable, what it holds, and what would be right."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The limits: None where there is none."""

    days: float | None = None
    megabytes: float | None = None

    @property
    def limited(self) -> bool:
        """Whether anything is ever deleted."""
        return self.days is not None or self.megabytes is not None


@dataclass(frozen=True, slots=True)
class Pruned:
    """A run that goes, and why, in words."""

    run: RunSummary
    why: str


def retention(environment: Mapping[str, str] = os.environ) -> Retention:
    """Return the limits that the environment sets.

    Raises:
        RetentionError: one of them is no number above 0.
    """
    return Retention(_number(environment, DAYS, "days"), _number(environment, MEGABYTES, "megabytes"))


def _number(environment: Mapping[str, str], name: str, unit: str) -> float | None:
    text = environment.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):  # also refuses NaN
        raise RetentionError(
            f"{name} must be a number of {unit} above 0, such as 30; {text!r} was given. "
            "Unset it to keep every run."
        )
    return value


def surplus(runs: Sequence[RunSummary], limits: Retention, now: float) -> tuple[Pruned, ...]:
    """Return which of all runs, newest first, go by these limits; the oldest come first."""
    may_go = [run for run in reversed(runs) if not run.tags and run.status != "running"]
    found: dict[str, Pruned] = {}
    if limits.days is not None:
        for run in may_go:
            if run.created_at < now - limits.days * _DAY_S:
                found[run.run_id] = Pruned(run, f"older than {limits.days:g} days")
    if limits.megabytes is not None:
        total = sum(run.size_bytes for run in runs if run.run_id not in found)
        for run in may_go:
            if total <= limits.megabytes * _MB:
                break
            if run.run_id not in found:
                found[run.run_id] = Pruned(run, f"more than {limits.megabytes:g} MB of runs")
                total -= run.size_bytes
    return tuple(sorted(found.values(), key=lambda each: each.run.created_at))


def prune(
    store: Store,
    limits: Retention,
    now: float,
    *,
    actor: str = ACTOR,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Pruned, ...]:
    """Delete what goes by these limits, give the disk its space back, and return what went.

    Between two runs `stop` tells whether to leave it at that.

    Raises:
        StoreError: the history cannot be written; what went before that has gone.
    """
    gone: list[Pruned] = []
    for each in surplus(store.list(limit=None), limits, now):
        if stop():
            break
        try:
            delete_runs(store, [each.run.run_id], actor=actor, why=each.why, tagged=False)
        except CurationError:
            continue  # another console was faster, or somebody has just given it a tag
        gone.append(each)
    if gone:
        store.give_back_space()
    return tuple(gone)
