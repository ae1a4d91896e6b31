"""What a container wrote before its follower began, read once from the engine for all who want to see it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Final

from dashboard.engine.completeness import newest_record
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Follower, restart_mark
from dashboard.engine.records import Record
from dashboard.engine.seam import Seam
from dashboard.engine.whole_log import WholeLog
from dashboard.evidence import Stream
from dashboard.logs import LogRing, shown_lines

__all__ = ["OlderLines"]

_WAIT_S: Final = 0.5


class OlderLines:
    """Reads a part of a log into a ring, on a thread of its own, and closes the ring at its end.

    With a `follower` that is the part from `since` (or the newest `tail` lines) up to the first line that
    the follower saw; without one, up to `until`. What went wrong is told in the ring, as its last line.

    Threading: any thread may read `ring`, or close it.
    """

    def __init__(
        self,
        engine: Engine,
        container: ContainerFacts,
        ring: LogRing,
        *,
        follower: Follower | None = None,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
    ) -> None:
        self.ring = ring
        self._engine, self._container, self._follower = engine, container, follower
        self._since, self._until, self._tail = since, until, tail
        self._time = since or 0.0
        self._before_life = False  # whether the newest line is of a life before the one that goes on
        self.failed = False
        """Whether it told of lines that are missing: whoever asks next tries again."""
        self._log: WholeLog | None = None
        self._lock = threading.Lock()  # guards `_log` against a close between its opening and its reading
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"read-{container.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the reading and give back what it holds of the disk. Idempotent."""
        self._closing.set()
        with self._lock:
            if self._log is not None:
                self._log.close()
        self._thread.join()
        self.ring.discard()

    def _read(self) -> None:
        try:
            if self._follower is None:
                self._read_to_end(self._container, None)
            else:
                container, head = self._head(self._follower)
                if head:
                    self._read_to_end(container, Seam(head))
        except EngineError as error:
            self._tell(f"Lines may be missing here: {error}")
        except Exception as error:  # noqa: BLE001 - whatever broke, nobody may take silence for a quiet log
            self._tell(f"Lines may be missing here: the console failed ({type(error).__name__}: {error}).")
        finally:
            self.ring.close()

    def _head(self, follower: Follower) -> tuple[ContainerFacts, tuple[Record, ...]]:
        """The follower's first records, waited for while there must be some; none where the log is empty."""
        while not (self._closing.is_set() or follower.ring.closed):
            container, head = follower.head()
            if head or newest_record(self._engine, container) is None:
                return container, head
            follower.ring.wait(follower.ring.first, _WAIT_S)
        return self._container, ()

    def _read_to_end(self, container: ContainerFacts, seam: Seam | None) -> None:
        since, until = self._since, self._until
        if seam is not None:
            since, until = seam.begin(since), seam.end
            if since is None and self._since is not None:
                return  # all that is wanted, the follower has seen
        log = WholeLog(self._engine, container, since=since, until=until, tail=self._tail)
        with self._lock:
            self._log = log
            if self._closing.is_set():
                log.close()
        with closing(log), suppress(_SeamMet):
            for records in log:
                self._take(records, seam)
        if seam is None or self._closing.is_set():
            return
        self._show(seam.finish())
        self.ring.extend(self._mark(seam.first))
        if not seam.found:
            self._tell(
                f"Lines may be missing here, or come twice: the engine of {container.name} has thrown away "
                "the place where older lines meet those that were followed."
            )

    def _take(self, records: Iterable[Record], seam: Seam | None) -> None:
        if seam is None:
            self._show(records)
            return
        self._show(older for record in records for older in seam.feed(record))
        if seam.over:
            raise _SeamMet

    def _show(self, records: Iterable[Record]) -> None:
        entries: list[tuple[Stream, float, str]] = []
        for record in records:
            if record.nanos is not None:
                self._time = record.nanos / 1e9
            if self._since is not None and self._time < self._since:
                continue  # read for the seam alone
            entries += self._mark(self._time)
            entries += [(record.stream, self._time, text) for text in shown_lines(record.text)]
        if entries:
            self.ring.extend(entries)

    def _mark(self, moment: float | None) -> list[tuple[Stream, float, str]]:
        """The mark of a restart, if the life that goes on began between the newest line and `moment`."""
        begun = self._container.begun_at
        if begun is None or moment is None:
            return []
        was_before, self._before_life = self._before_life, moment < begun
        return [restart_mark(self._container, begun)] if was_before and not self._before_life else []

    def _tell(self, text: str) -> None:
        self.failed = True
        if not self._closing.is_set():
            self.ring.append("engine", self._time, [text])


class _SeamMet(Exception):
    """The reading has come past the follower's first lines."""
