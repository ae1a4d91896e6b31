"""Keeps a run in the history while it goes on, where other consoles see it half a second later.

Run --picture, logs--> Attendance --every moment--> history --> other consoles
                         ^---- who has asked for an abort ----+

What this console itself shows is in the run's journal before that: see `journal`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from dashboard.evidence import LogLine
from dashboard.journal import Journal
from dashboard.logs import LogRing
from dashboard.record import RunRecord
from dashboard.storefault import StoreError

__all__ = ["Attendance", "LiveStore"]

_EVERY_S: Final = 0.5
_SHARE: Final = 10
"""Of ten seconds at most one goes into keeping: a run of a thousand variants is a long document."""
_STILL_ALIVE_S: Final = 2.0
"""How often a run in which nothing happens says that it goes on, and asks whether it shall end."""
_LINES: Final = 20_000


class LiveStore(Protocol):
    """What is kept while a run goes on. Threading: any thread."""

    def attend(self, run_id: str, live: RunRecord | None) -> str | None:
        """Say that the run goes on, and keep its trial under way; returns who has asked for an abort."""

    def add_log(self, run_id: str, source: str, lines: tuple[LogLine, ...]) -> None:
        """Add lines to a log."""

    def drop_log(self, run_id: str, source: str) -> None:
        """Forget a log."""


class Attendance:
    """Watches one run on a thread of its own, which never holds it up.

    Args:
        picture: the run as it stands. version: grows with every change of it.
        rings: the logs of its trials by source; of the last one, lines are added to the history.
        lock: held while a picture is kept, so that no older one comes after the document of a trial's end.
        journal: holds what is not in the history yet; told of what is.
        on_abort: called with who has asked for it, once.

    Faults of the history are passed over: the run itself tells them, when it keeps a trial.
    """

    def __init__(
        self,
        store: LiveStore,
        *,
        picture: Callable[[], RunRecord],
        version: Callable[[], int],
        rings: Callable[[], Mapping[str, LogRing]],
        lock: threading.Lock,
        on_abort: Callable[[str], object],
        journal: Journal | None = None,
    ) -> None:
        self._store, self._picture, self._version = store, picture, version
        self._rings, self._lock, self._on_abort = rings, lock, on_abort
        self._journal = journal
        self._kept: dict[str, int] = {}  # source -> the next line to keep
        self._seen, self._said_at, self._asked = 0, time.monotonic(), False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="attendance", daemon=True)

    def begin(self) -> None:
        """Begin. Where the system gives no thread, the run is kept at the end of each trial alone."""
        try:
            self._thread.start()
        except RuntimeError:
            self._end.set()

    def end(self) -> None:
        """Stop; nothing is kept any more when this returns. Idempotent."""
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join()

    def forget(self, run_id: str, source: str) -> None:
        """Drop what was kept of a log that is not to be kept after all. The caller holds the lock."""
        if self._kept.pop(source, None) is not None:
            with suppress(StoreError):
                self._store.drop_log(run_id, source)

    def _work(self) -> None:
        pause = _EVERY_S
        while not self._end.wait(pause):
            began = time.monotonic()
            with suppress(StoreError):
                self._keep()
            pause = max(_EVERY_S, _SHARE * (time.monotonic() - began))

    def _keep(self) -> None:
        with self._lock:
            # The version first: a change in between is kept twice rather than never
            version, record = self._version(), self._picture()
            if not record.running or record.step == "release":
                return  # of all moments the one in which nothing may take time from the threads
            under_way = bool(record.trials) and record.trials[-1].ended_at is None
            news = under_way and version != self._seen
            if not news and time.monotonic() - self._said_at < _STILL_ALIVE_S:
                return
            if under_way:  # its lines first: no event shall be told whose line is not kept
                self._add_lines(record.run_id, record.trials[-1].source)
            asked = self._store.attend(record.run_id, record if news else None)
            self._seen, self._said_at = version, time.monotonic()
            if self._journal is not None:
                self._journal.shrink()
        if asked is not None and not self._asked:
            self._asked = True
            self._on_abort(asked)

    def _add_lines(self, run_id: str, source: str) -> None:
        ring = self._rings().get(source)
        if ring is None:
            return
        page = ring.read(self._kept.get(source, 0), _LINES)
        if page.lines:
            self._store.add_log(run_id, source, page.lines)
            self._kept[source] = page.next
            if self._journal is not None:
                self._journal.lines_kept(source, page.next)
