"""What operators do to runs that were kept: tag them, write a note, delete them; who did is recorded.

Every function is one transaction, with the action that it records: neither is there without the other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import and_ as all_of
from sqlalchemy import update as change
from sqlalchemy.exc import IntegrityError

from dashboard.printable import as_text
from dashboard.store import Action, Store, StoreError
from dashboard.tables import run_tags, runs

__all__ = ["MAX_NOTE", "CurationError", "all_tags", "delete_runs", "read_tags", "tag_runs", "write_note"]

MAX_NOTE: Final = 4000
MAX_TAG: Final = 40
_TAG: Final = re.compile(r"[\w][\w.:/+-]*")
_MOST_TAGS: Final = 20


class CurationError(StoreError):
    """What was asked cannot be done to these runs: one sentence with the next step. Nothing was changed."""


def read_tags(text: str) -> tuple[str, ...]:
    """Return the tags that were typed, with spaces or commas between them, in small letters.

    Raises:
        CurationError: one of them cannot be a tag.
    """
    tags = tuple(dict.fromkeys(text.replace(",", " ").casefold().split()))
    for tag in tags:
        if len(tag) > MAX_TAG or not _TAG.fullmatch(tag):
            raise CurationError(
                f"{tag!r} cannot be a tag. Use letters, digits and . : / + - _, at most {MAX_TAG} of them, "
                "with spaces or commas between tags."
            )
    return tags


def all_tags(store: Store) -> tuple[str, ...]:
    """Return every tag that any run has."""
    with store.reading() as connection:
        return tuple(connection.scalars(select(run_tags.c.tag).distinct().order_by(run_tags.c.tag)))


def tag_runs(
    store: Store,
    run_ids: Sequence[str],
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    actor: str,
) -> None:
    """Give runs tags, and take others away. What they have, or lack, already stays as it is.

    Raises:
        CurationError: there is no such run, or one would have too many tags.
        StoreError: the history cannot be written.
    """
    added, removed = tuple(add), tuple(remove)
    told = " ".join([*(f"+{tag}" for tag in added), *(f"-{tag}" for tag in removed)])
    try:
        with store.writing() as connection:
            for run_id in run_ids:
                target = _taken(store, connection, run_id)
                gone = all_of(run_tags.c.run_id == run_id, run_tags.c.tag.in_([*removed, *added]))
                connection.execute(delete(run_tags).where(gone))
                if added:
                    connection.execute(insert(run_tags), [{"run_id": run_id, "tag": tag} for tag in added])
                of_run = select(run_tags.c.tag).where(run_tags.c.run_id == run_id)
                if len(connection.scalars(of_run).all()) > _MOST_TAGS:
                    raise CurationError(
                        f"Run {run_id} would have more than {_MOST_TAGS} tags. Take some away first."
                    )
                _note(store, connection, "tag", target, told, run_id, actor)
    except IntegrityError as error:
        raise CurationError("Somebody else has tagged the same run just now. Try again.") from error


def write_note(store: Store, run_id: str, text: str, *, actor: str) -> None:
    """Write the note of a run, in the place of what it was; an empty one takes it away.

    Raises:
        CurationError: there is no such run, or the note is too long.
        StoreError: the history cannot be written.
    """
    text = as_text(text.strip())
    if len(text) > MAX_NOTE:
        raise CurationError(
            f"The note has {len(text):,} characters, and at most {MAX_NOTE:,} are kept. Shorten it."
        )
    with store.writing() as connection:
        target = _taken(store, connection, run_id)
        connection.execute(change(runs).where(runs.c.run_id == run_id).values(note=text))
        outcome = f"{len(text)} characters" if text else "removed"
        _note(store, connection, "note", target, outcome, run_id, actor)


def delete_runs(
    store: Store, run_ids: Sequence[str], *, actor: str, why: str = "deleted", tagged: bool = True
) -> None:
    """Delete runs with their logs, tags and notes: all of them, or none where one cannot be deleted.

    Args:
        tagged: whether a run with a tag may go, too.

    Raises:
        CurationError: there is no such run, or one is under way, or has a tag and may not go.
        StoreError: the history cannot be written.
    """
    with store.writing() as connection:
        for run_id in run_ids:
            target = _taken(store, connection, run_id)
            of_run = select(run_tags.c.tag).where(run_tags.c.run_id == run_id)
            if not tagged and connection.scalars(of_run).first() is not None:
                raise CurationError(f"Run {run_id} has a tag, and is kept for it.")
            ended = all_of(runs.c.run_id == run_id, runs.c.status != "running")
            if not connection.execute(delete(runs).where(ended)).rowcount:
                raise CurationError(
                    f"Run {run_id} is under way and cannot be deleted. Abort it, or wait for its end."
                )
            _note(store, connection, "delete", target, why, run_id, actor)


def _taken(store: Store, connection: Connection, run_id: str) -> str:
    """Take the run for this transaction, by a write as `Store.writing` asks, and return its target."""
    taken = change(runs).where(runs.c.run_id == run_id).values(note=runs.c.note)
    if not connection.execute(taken).rowcount:
        raise CurationError(
            f"There is no run {run_id} in the history {store.name}. List them: "
            "python -m dashboard history list"
        )
    return connection.scalar(select(runs.c.target).where(runs.c.run_id == run_id)) or ""


def _note(
    store: Store, connection: Connection, action: str, target: str, outcome: str, run_id: str, actor: str
) -> None:
    store.add_action(connection, Action(time.time(), actor, action, target, outcome, run_id))
