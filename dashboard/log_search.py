"""Looks for a pattern in the logs of all runs, newest run first, without opening a record.

One part of one log is in memory at a time, and RE2 looks through it as it is: see `logpack`. What is found
is yielded at once, so that whoever reads it may stop early.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard import kept_logs
from dashboard.evidence import LogLine
from dashboard.logpack import LogPattern, matches
from dashboard.store import EVERYTHING, RunFilter, Store

__all__ = ["Found", "LogHit", "find_lines", "runs_that_say"]


@dataclass(frozen=True, slots=True)
class LogHit:
    """A line that matches, and the run whose log it stands in."""

    run_id: str
    line: LogLine


@dataclass(frozen=True, slots=True)
class Found:
    """Which runs say it: run id -> the first line that does. `whole` is False where time was up before."""

    first: dict[str, LogLine]
    looked_at: int
    whole: bool


def find_lines(
    store: Store, pattern: LogPattern, wanted: RunFilter = EVERYTHING, *, per_run: int | None = None
) -> Iterator[LogHit]:
    """Yield the lines that match, in their order, of at most `per_run` lines a run.

    Raises:
        StoreError: the history cannot be read, or a log in it is damaged.
    """
    for run in store.list(wanted, limit=None):
        yield from _in_run(store, run.run_id, pattern, per_run)


def runs_that_say(
    store: Store, pattern: LogPattern, wanted: RunFilter = EVERYTHING, *, within_s: float
) -> Found:
    """Return which runs have a line that matches, as many as can be looked at within `within_s` seconds.

    Raises:
        StoreError: as `find_lines`.
    """
    until = time.monotonic() + within_s
    first: dict[str, LogLine] = {}
    runs = store.list(wanted, limit=None)
    for place, run in enumerate(runs):
        if time.monotonic() > until:
            return Found(first, place, whole=False)
        hit = next(_in_run(store, run.run_id, pattern, 1), None)
        if hit is not None:
            first[run.run_id] = hit.line
    return Found(first, len(runs), whole=True)


def _in_run(store: Store, run_id: str, pattern: LogPattern, limit: int | None) -> Iterator[LogHit]:
    with store.reading() as connection:
        keys = kept_logs.part_keys(connection, run_id)
    left = limit
    for source, part in keys:
        # A connection for each part: whoever takes what is found may do so slowly, or never come back
        with store.reading() as connection:
            packed = kept_logs.part_lines(connection, run_id, source, part)
        if packed is None:
            continue  # deleted since, or its log was replaced when the run ended
        try:
            lines = matches(source, packed, pattern, left)
        except ValueError as error:
            raise store.damaged(run_id, source, error) from error
        yield from (LogHit(run_id, line) for line in lines)
        if left is not None:
            left -= len(lines)
            if left <= 0:
                return
