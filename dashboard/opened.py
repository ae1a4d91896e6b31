"""What was opened of the history last, so that a page that is drawn again does not read the disk again.

    page --record, log--> OpenedRuns --(only what changed)--> Store

A record of a hundred thousand events takes half a second to read, and a page asks for it on every click.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from dashboard.bins import Moments, moments
from dashboard.evidence import LogLine
from dashboard.live_feed import KeptLog
from dashboard.record import RunRecord

__all__ = ["KeptLines", "OpenedRuns", "RunStore"]

_MOST_RECORDS: Final = 4
_MOST_LOGS: Final = 2
"""Each may hold 200,000 lines."""


class RunStore(Protocol):
    """The history. Threading: any thread; every method may block on the disk and raise `StoreError`."""

    def stamp(self, run_id: str) -> tuple[str, float | None] | None:
        """As `Store.stamp`."""

    def load(self, run_id: str) -> RunRecord | None:
        """As `Store.load`."""

    def log(self, run_id: str, source: str) -> tuple[LogLine, ...]:
        """As `Store.log`."""


@dataclass(frozen=True, slots=True)
class KeptLines:
    """A kept log: its lines by number, and when each of them came (Unix seconds)."""

    log: KeptLog
    times: Moments
    first: int


class OpenedRuns:
    """Remembers the few records and logs that were asked for last.

    Threading: any thread; blocks as the store does, and nobody waits for another one's question. Two that
    ask for the same at once may both read it, which costs time and changes nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards both; never held over a question to the store
        self._records: OrderedDict[str, tuple[tuple[str, float | None], RunRecord]] = OrderedDict()
        self._logs: OrderedDict[tuple[str, str], KeptLines] = OrderedDict()

    def record(self, store: RunStore, run_id: str) -> RunRecord | None:
        """Return the record of a run as it is in the store now; None when there is none.

        Raises:
            StoreError: as `Store.load`.
        """
        stamp = store.stamp(run_id)
        if stamp is None:
            return None
        with self._lock:
            known = self._records.get(run_id)
            if known is not None and known[0] == stamp:
                self._records.move_to_end(run_id)
                return known[1]
        found = store.load(run_id)
        if found is not None and not found.running:  # one that runs in another process changes all the time
            with self._lock:
                self._records[run_id] = stamp, found
                while len(self._records) > _MOST_RECORDS:
                    self._records.popitem(last=False)
        return found

    def lines(self, store: RunStore, run_id: str, source: str) -> KeptLines:
        """Return the kept log of one source of a run that has ended; without lines if none was kept.

        Raises:
            StoreError: as `Store.log`.
        """
        with self._lock:
            known = self._logs.get((run_id, source))
            if known is not None:
                self._logs.move_to_end((run_id, source))
                return known
        lines = store.log(run_id, source)
        kept = KeptLines(
            KeptLog(lines), moments(line.time for line in lines), lines[0].number if lines else 0
        )
        with self._lock:
            if lines:  # else it may only not be kept yet
                self._logs[run_id, source] = kept
            while len(self._logs) > _MOST_LOGS:
                self._logs.popitem(last=False)
        return kept
