"""Follows one container's log for as long as it is wanted, through restarts, kills and the engine's own end.

    engine --blocks--> records --new? (Window)--> LogRing, sink

A follow ends silently, whatever ended it. So every end is treated alike: look at the container again, ask for
its log from a little before the newest line that was shown, and drop what was shown already. It may end late,
too: of a container that is started again at once it brings the first lines of the next life.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.engine.completeness import newest_record
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import ContainerGone, EngineError
from dashboard.engine.reading import LogReading
from dashboard.engine.records import FrameCutter, LineCutter, Record
from dashboard.engine.window import Window
from dashboard.evidence import Gap, LogLine, Stream
from dashboard.logs import LogRing, shown_lines

__all__ = ["Follower", "Following", "restart_mark"]

State = Literal["connecting", "following", "stopped", "away", "gone", "closed"]

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 1.0
_IDLE_S: Final = 15.0
"""A rotated log is opened anew after so long a silence: its reader may be left behind in an old file."""
_OVERRUN_IDLE_S: Final = 1.0
_SILENCE_NS: Final = 100_000_000
"""No container is started again in less: after so long without a line the next one may be of another life."""
_HEAD: Final = 1000
_HEAD_BYTES: Final = 1024 * 1024
"""What is remembered of a log's first records, by which the end of older ones is found."""
_STALL_S: Final = 20.0
"""How long an engine may say nothing while it reads a log to its end."""


@dataclass(frozen=True, slots=True)
class Following:
    """How a follower fares: its state, and one sentence on it."""

    state: State
    text: str


class Follower:
    """One container's log, followed on a thread of its own into a ring that any number of readers share.

    Lines have the time at which the engine received them, in the console's clock. Those of the stream
    `engine` are the console's own words between the container's: a restart, lost lines.

    Args:
        source: the ring's name; the container's by default.
        ring: where the lines go, instead of a new one. Then they keep the engine's own times, which are the
            same whoever reads the log, and whenever.
        since: Unix seconds to begin at. tail: begin with so many of the newest lines.
        sink: takes lines as they come in, on the follower's thread. It must not block.

    Threading: any thread may read `ring`, `following` and `gaps()`, or close it.
    """

    def __init__(
        self,
        engine: Engine,
        container: ContainerFacts,
        *,
        source: str | None = None,
        ring: LogRing | None = None,
        since: float | None = None,
        tail: int | None = None,
        sink: Callable[[tuple[LogLine, ...]], None] | None = None,
    ) -> None:
        self.ring = ring or LogRing(source or container.name)
        self._engine_time = ring is not None
        self._engine, self._container = engine, container
        self._since, self._tail, self._sink = since, tail, sink
        self._window = Window()
        self._first_container, self._head, self._head_bytes = container, list[Record](), 0
        self._gaps: tuple[Gap, ...] = ()
        self._opened_at = 0.0
        self._overrun = False
        self._started_at = container.started_at
        # For a viewer the life that goes on began somewhere among the lines; a run begins with it
        self._restart_at = container.begun_at if ring is not None else None
        self._first_life = True
        self._state: tuple[State, str] = ("connecting", f"Opening the log of {container.name}.")
        self._reading: LogReading | None = None
        self._lock = threading.Lock()  # guards `_reading` against a close between its opening and its reading
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow-{container.name}", daemon=True)
        self._thread.start()

    @property
    def following(self) -> Following:
        """How it fares now."""
        return Following(*self._state)

    @property
    def container(self) -> ContainerFacts:
        """The container as it was when it was last looked at."""
        return self._container

    def gaps(self) -> tuple[Gap, ...]:
        """Where lines are known to be lost."""
        return self._gaps

    def head(self) -> tuple[ContainerFacts, tuple[Record, ...]]:
        """The first records that it saw, in the engine's order, and the container that they are of."""
        return self._first_container, tuple(self._head)

    def close(self, *, complete: bool = False) -> None:
        """Stop following and close the ring; no sink is called afterwards. Idempotent.

        With `complete` the log is read to its end once more: what was written until now is in the ring.
        """
        self._closing.set()
        with self._lock:
            if self._reading is not None:
                self._reading.close()
        self._thread.join()
        if complete and not self.ring.closed and not self._try(self._read_rest):
            self._doubt(f"The end of the log could not be read: {self._state[1]}")
        self._state = ("closed", "Not followed any more.")
        self.ring.close()

    def _follow(self) -> None:
        pause = _FIRST_PAUSE_S
        while not self._closing.is_set():
            before = self.ring.next
            self._try(self._read_on)
            pause = _FIRST_PAUSE_S if self.ring.next > before else min(2 * pause, _LONGEST_PAUSE_S)
            self._closing.wait(pause)

    def _try(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except ContainerGone:
            self._state = ("gone", f"There is no container {self._container.name} any more.")
        except EngineError as error:
            self._state = ("away", str(error))
        except Exception as error:  # noqa: BLE001 - whatever broke, nobody may take silence for a quiet log
            self._state = ("away", f"The console failed in following ({type(error).__name__}: {error}).")
            self._doubt(f"Lines may be missing here: {self._state[1]}")
        else:
            return True
        return False

    def _read_on(self) -> None:
        seen = self._container
        self._look()
        now = self._container
        if now.running:
            self._state = ("following", f"Following {now.name}.")
            self._read(follow=True)
        elif self._state[0] != "stopped" or now.started_at != seen.started_at:
            self._read(follow=False)  # what it wrote between the follow's end and its own
            self._state = ("stopped", f"{now.name} is {now.state}. Its log goes on when it starts again.")

    def _read_rest(self) -> None:
        self._look()
        self._read(follow=False)

    def _look(self) -> None:
        """See what became of the container; by name too, because compose makes a new one of the same name."""
        try:
            found = self._engine.container(self._container.id)
        except ContainerGone:
            found = self._engine.container(self._container.name)
        if found.id != self._container.id:
            self._window, self._since, self._tail = Window(), None, None
        if found.started_at is not None and found.started_at != self._started_at:
            self._restart_at, self._first_life = found.begun_at, False
        self._container, self._started_at = found, found.started_at

    def _read(self, *, follow: bool) -> None:
        window, container = self._window, self._container
        fresh = window.newest is None
        reading = self._engine.read_log(
            container,
            since=self._since if fresh else window.since,
            tail=self._tail if fresh else None,
            follow=follow,
        )
        if not follow:
            reading.give_up_after(_STALL_S)
        with self._lock:
            self._reading = reading
            if follow and self._closing.is_set():
                reading.close()
        asked = int((time.time() + self._engine.clock_ahead_s) * 1e9)
        cutter = LineCutter() if container.tty else FrameCutter()
        window.resume()
        self._overrun = False
        self._opened_at = time.time() + self._engine.clock_ahead_s
        for block in reading:
            self._show(cutter.feed(block))
            if follow and container.log_file_bytes is not None:
                reading.give_up_after(_OVERRUN_IDLE_S if self._overrun else _IDLE_S)
        if cutter.complaint is not None:
            self._doubt(f"Lines may be missing here: the engine could not read on ({cutter.complaint}).")
        if follow:
            return
        if reading.broke_off or cutter.torn:
            raise EngineError(f"The log of {container.name} broke off in the middle.")
        # Only here: a follow may have been cut in the middle of a line, which comes again, whole.
        self._show(cutter.finish())
        self._show([None])
        last = newest_record(self._engine, container)
        if last is not None and (last.nanos or 0) <= asked and not window.has(last.nanos, self._since):
            self._doubt("Lines are missing here: the engine stopped in the middle, at a damaged line.")

    def _show(self, records: Iterable[Record | None]) -> None:
        """Put into the ring what is new of `records`; None stands for the log's present end."""
        entries: list[tuple[Stream, float, str]] = []
        for record in records:
            newest = self._window.newest
            lost = self._window.lost_before(record)
            if lost:
                entries.append(self._tell_loss(lost))
            if record is not None and not self._window.is_new(record):
                continue
            if self._may_be_another_life(record, newest):
                self._look_at_its_life()
            if self._restart_at is not None and (
                record is None or (record.nanos or 0) / 1e9 >= self._restart_at
            ):
                if newest is not None or not self._first_life:
                    entries.append(restart_mark(self._container, self._seen_at(self._restart_at)))
                self._restart_at = None
            if record is not None:
                self._note_head(record)
                moment = self._now() if record.nanos is None else self._seen_at(record.nanos / 1e9)
                entries += ((record.stream, moment, text) for text in shown_lines(record.text))
        if entries:
            if self._overran():
                entries.append(self._tell_overrun())
            self._add(entries)

    def _may_be_another_life(self, record: Record | None, newest: int | None) -> bool:
        """Whether a line has just been written, and after a silence; of older lines it is known."""
        nanos = None if record is None else record.nanos
        if nanos is None or nanos / 1e9 < self._opened_at:
            return False
        return newest is None or nanos - newest >= _SILENCE_NS

    def _look_at_its_life(self) -> None:
        """See whether the container was started again. The engine answers when a start under way is noted."""
        try:
            found = self._engine.container(self._container.id)
        except EngineError:
            return  # the follow ends, too, and is followed by another look
        if found.started_at is not None and found.started_at != self._started_at:
            self._restart_at, self._first_life = found.begun_at, False
            self._container, self._started_at = found, found.started_at

    def _add(self, entries: Iterable[tuple[Stream, float, str]]) -> None:
        added = self.ring.extend(entries)
        if self._sink is not None:
            self._sink(added)

    def _note_head(self, record: Record) -> None:
        if len(self._head) < _HEAD and self._head_bytes < _HEAD_BYTES:
            if self._container.id != self._first_container.id:
                self._head_bytes = _HEAD_BYTES  # another container's records do not follow upon them
                return
            self._head_bytes += len(record.text)
            self._head.append(record)

    def _seen_at(self, engine_time: float) -> float:
        return engine_time if self._engine_time else engine_time - self._engine.clock_ahead_s

    def _now(self) -> float:
        return self._seen_at(time.time() + self._engine.clock_ahead_s)

    def _tell_loss(self, lost: int) -> tuple[Stream, float, str]:
        text = (
            f"Lines are missing here: the engine has thrown away {lost:,} that were shown above, and perhaps "
            "others after them. Allow larger log files (max-size, max-file) if every line must be seen."
        )
        self._gaps += (Gap(self.ring.source, text),)
        return ("engine", self._now(), text)

    def _overran(self) -> bool:
        """Whether the container has just now begun to write faster than a rotated log can be read.

        When the engine has rotated away the file that its reader is in, the reader goes on in a newer one and
        says nothing. So where unread lines may fill a file, lines may be lost, though none is seen missing.
        """
        room, newest = self._container.log_file_bytes, self._window.newest
        if self._overrun or room is None or newest is None or newest / 1e9 < self._opened_at:
            return False  # told already, or no bound, or still at what was written before
        behind = time.time() + self._engine.clock_ahead_s - newest / 1e9
        self._overrun = behind * self._window.bytes_per_second() > room / 2
        return self._overrun

    def _tell_overrun(self) -> tuple[Stream, float, str]:
        text = (
            f"Lines may be missing here: {self._container.name} wrote faster than its log could be read, and "
            "the engine keeps only small files of it. Allow larger ones (max-size) if no line may be missed."
        )
        self._gaps += (Gap(self.ring.source, text),)
        return ("engine", self._now(), text)

    def _doubt(self, text: str) -> None:
        if all(gap.text != text for gap in self._gaps):
            self._gaps += (Gap(self.ring.source, text),)
            self._add([("engine", self._now(), text)])


def restart_mark(container: ContainerFacts, moment: float) -> tuple[Stream, float, str]:
    """Return the console's own line between two lives of a container."""
    return ("engine", moment, f"{container.name} was started again.")
