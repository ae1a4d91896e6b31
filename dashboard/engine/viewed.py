"""One container's log for all who look at it: one follower, and the older lines that somebody asked for.

    numbers:   10^10 …  older lines, a block for each reading      10^14 …  what the follower has seen
                                     \\____________ JoinedLog ____________/

A line of the follower keeps its number whatever part of the log a viewer has chosen, so that he can come back
to where he was.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Follower, Following
from dashboard.engine.older import OlderLines
from dashboard.log_range import NEWEST, LogRange
from dashboard.logs import LogPage, LogRing
from dashboard.spool import Spool

__all__ = ["JoinedLog", "OpenLog", "ViewedLog"]

_LIVE: Final = 10**14
_BLOCK: Final = 10**10
_MEMORY_LINES: Final = 20_000
_MEMORY_BYTES: Final = 8 * 1024 * 1024
"""What a log keeps in memory; the rest is in its spool."""
_KEPT: Final = 3
"""Readings of older lines that are kept with no viewer, and for how long, so that a reload finds them."""
_KEPT_S: Final = 600.0
_BEFORE_S: Final = 60.0
"""How much is shown before the line that a link leads to."""
_FIRST_LINES_S: Final = 1.0
_SLACK_S: Final = 0.1
"""Lines are in order of time but for this: stdout and stderr change places by milliseconds."""

Clock = Callable[[], float]


class JoinedLog:
    """Older lines and then those of a follower, read like one ring. Threading: as `LogRing`."""

    def __init__(self, older: LogRing | None, live: LogRing | None) -> None:
        self._older, self._live = older, live

    @property
    def next(self) -> int:
        """Number that the next line will get."""
        return (self._live or self._older or _NOTHING).next

    @property
    def closed(self) -> bool:
        """Whether no more lines will come."""
        return (self._live or self._older or _NOTHING).closed

    def in_memory(self, since: int) -> bool:
        """Whether `read(since)` needs no disk."""
        return self._part(since).in_memory(since)

    def read(self, since: int, limit: int, max_chars: int) -> LogPage:
        """As `LogRing.read`."""
        part = self._part(since)
        page = part.read(since, limit, max_chars)
        if page.closed and part is self._older and self._live is not None:
            return replace(page, next=self._live.first, closed=False)
        return page

    def _part(self, since: int) -> LogRing:
        older = self._older if since < _LIVE or self._live is None else None
        return older or self._live or _NOTHING


_NOTHING: Final = LogRing("")


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A log that somebody looks at.

    Attributes:
        start: returns the number of the line to begin with; None while nobody can tell.
        release: to be called when he looks no longer.
    """

    source: JoinedLog
    start: Callable[[], int | None]
    release: Callable[[], None]


@dataclass(slots=True)
class _Reading:
    """A reading of older lines, and who uses it."""

    block: int
    older: OlderLines
    viewers: int = 0
    left_at: float = 0.0


class ViewedLog:
    """A container's log, followed from its newest lines on for as long as it is not closed.

    Args:
        folder: where lines are kept that the memory has no room for.

    Threading: any thread; nothing here waits for the engine but `close`.
    """

    def __init__(
        self, engine: Engine, container: ContainerFacts, folder: Path | None, *, clock: Clock = time.monotonic
    ) -> None:
        self._engine, self._container, self._folder, self._clock = engine, container, folder, clock
        self._follower = Follower(engine, container, ring=self._ring(_LIVE), tail=NEWEST)
        self._readings: OrderedDict[tuple[float | None, ...], _Reading] = OrderedDict()
        self._began_at = self._left_at = clock()
        self._blocks = itertools.count(1)
        self._lock = threading.Lock()  # guards the readings and the count of viewers
        self._viewers = 0

    @property
    def following(self) -> Following:
        """How the follower fares."""
        return self._follower.following

    def idle_s(self) -> float:
        """For how many seconds nobody has looked at it; 0 while somebody does."""
        with self._lock:
            return 0.0 if self._viewers else self._clock() - self._left_at

    def open(self, wanted: LogRange, since: int = 0) -> OpenLog:
        """Return the part that is wanted, from its beginning or, to go on, from line number `since`.

        Raises:
            EngineError: it cannot be gone on with, because those lines are not kept any more.
        """
        self._sweep()
        live = self._follower.ring
        if wanted.until is not None:
            return self._open_ended(wanted, since)
        if since >= _LIVE:
            return self._opened(None, lambda: since)
        if since:
            return self._opened(self._at(since), lambda: since)
        begin = self._begin(wanted)
        if begin is not None and self._covers(begin):
            return self._opened(None, lambda: self._followed_from(begin))
        if begin is not None:
            reading = self._older(begin, None, None)
            return self._opened(reading, lambda: self._first_of(reading.older.ring, begin))
        if wanted.tail <= max(NEWEST, live.next - live.first):
            return self._opened(None, lambda: self._newest_followed(wanted.tail))
        reading = self._older(None, None, wanted.tail)
        return self._opened(reading, lambda: _newest(reading.older.ring, live, wanted.tail))

    def close(self) -> None:
        """Stop following and give the disk back. Idempotent; blocks until the engine was heard out."""
        with self._lock:
            readings, self._readings = list(self._readings.values()), OrderedDict()
        self._follower.close()
        for reading in readings:
            reading.older.close()
        self._follower.ring.discard()

    def _open_ended(self, wanted: LogRange, since: int) -> OpenLog:
        if since:
            return self._opened(self._at(since), lambda: since, follow=False)
        begin = wanted.begin
        if wanted.at is not None:
            begin = min(wanted.at - _BEFORE_S, begin if begin is not None else wanted.at)
        reading = self._older(begin, wanted.until, None)
        if begin is not None:
            return self._opened(reading, follow=False)
        ring = reading.older.ring
        return self._opened(
            reading, lambda: max(ring.first, ring.next - wanted.tail) if ring.closed else None, follow=False
        )

    def _begin(self, wanted: LogRange) -> float | None:
        """When the wanted part begins; None for so many of the newest lines."""
        if wanted.at is None:
            return wanted.begin
        needed = wanted.at - _BEFORE_S
        if wanted.begin is not None:
            return wanted.begin if wanted.begin <= wanted.at else needed
        live = self._follower.ring
        page = live.read(max(live.first, live.next - wanted.tail), 1)
        shown = bool(page.lines) and page.lines[0].time <= wanted.at - _SLACK_S
        return None if shown else needed

    def _newest_followed(self, tail: int) -> int | None:
        """The line with which the newest `tail` begin; None while the follower's first ones still come in."""
        live = self._follower.ring
        come = live.next - live.first
        return None if tail < NEWEST and self._young() else live.next - min(tail, come)

    def _followed_from(self, begin: float) -> int | None:
        """The line of the follower with which `begin` begins; None as above."""
        live = self._follower.ring
        number = _number_at(live, begin)
        return None if number == live.next and self._young() else number

    def _first_of(self, older: LogRing, begin: float) -> int | None:
        """The first line from `begin` on; None while nobody knows whether it is an older one."""
        if older.next > older.first:
            return older.first
        return self._followed_from(begin) if older.closed else None

    def _young(self) -> bool:
        """Whether the follower's first lines may still come in."""
        live = self._follower.ring
        return live.next - live.first < NEWEST and self._clock() - self._began_at < _FIRST_LINES_S

    def _covers(self, begin: float) -> bool:
        """Whether the follower has seen all lines from `begin` on."""
        page = self._follower.ring.read(0, 1)
        return bool(page.lines) and page.lines[0].time <= begin - _SLACK_S

    def _older(self, begin: float | None, until: float | None, tail: int | None) -> _Reading:
        """The reading of these lines, begun now if there is none that can be used."""
        with self._lock:
            key = (begin, until, tail)
            reading = self._readings.get(key)
            if reading is None or reading.older.failed:
                block = next(self._blocks)
                older = OlderLines(
                    self._engine,
                    self._container if until is None else self._follower.container,
                    self._ring(block * _BLOCK),
                    follower=self._follower if until is None else None,
                    since=begin,
                    until=until,
                    tail=tail,
                )
                if reading is not None:  # still open for who looks at it
                    self._readings[(*key, float(reading.block))] = reading
                reading = self._readings[key] = _Reading(block, older, left_at=self._clock())
            self._readings.move_to_end(key)
            return reading

    def _at(self, since: int) -> _Reading:
        with self._lock:
            for reading in self._readings.values():
                if reading.block == since // _BLOCK:
                    return reading
        raise EngineError("These older lines are not kept any more. Reload the page to read them again.")

    def _opened(
        self, reading: _Reading | None, start: Callable[[], int | None] | None = None, *, follow: bool = True
    ) -> OpenLog:
        older = None if reading is None else reading.older.ring
        source = JoinedLog(older, self._follower.ring if follow else None)
        first = source.next if older is None else older.first
        released = threading.Event()

        def count(step: int) -> None:
            with self._lock:
                self._viewers += step
                self._left_at = self._clock()
                if reading is not None:
                    reading.viewers += step
                    reading.left_at = self._clock()

        def release() -> None:
            if not released.is_set():
                released.set()
                count(-1)

        count(1)
        return OpenLog(source, start or (lambda: first), release)

    def _sweep(self) -> None:
        """Give up readings that nobody looks at: the older ones of many, and those left long ago."""
        with self._lock:
            idle = [(key, each) for key, each in self._readings.items() if not each.viewers]
            now = self._clock()
            gone = [key for key, each in idle if now - each.left_at > _KEPT_S]
            gone += [key for key, _ in idle[: max(0, len(idle) - _KEPT)] if key not in gone]
            readings = [self._readings.pop(key) for key in gone]
        for reading in readings:
            reading.older.close()

    def _ring(self, first: int) -> LogRing:
        spool = Spool(self._container.name, self._folder)
        return LogRing(
            self._container.name,
            max_lines=_MEMORY_LINES,
            max_bytes=_MEMORY_BYTES,
            first=first,
            spool=spool,
        )


def _newest(older: LogRing, live: LogRing, tail: int) -> int:
    """The number of the line with which the newest `tail` of both begin, or what there is of them."""
    surplus = (older.next - older.first) + (live.next - live.first) - tail
    if not older.closed or surplus <= 0:
        return older.first
    if surplus < older.next - older.first:
        return older.first + surplus
    return live.next - tail


def _number_at(ring: LogRing, begin: float) -> int:
    """The number of the first line that is no older than `begin`; of the next line when there is none yet."""
    low, high = ring.first, ring.next
    while low < high:
        middle = (low + high) // 2
        page = ring.read(middle, 1)
        if page.lines and page.lines[0].time < begin - _SLACK_S:
            low = page.next
        else:
            high = middle
    while (page := ring.read(low, 1000)).lines:
        for line in page.lines:
            if line.time >= begin:
                return line.number
        low = page.next
    return low
