"""What a container loaded, and when, over its last hours: read from its log alone, in bounded memory.

    whole log --sieve--> the few lines that tell of loads --> events --+
              --stamps-> how many lines each minute -------------------+--> LoadHistory, again and again
    the engine's own record of ends -----------------------------------+    while it is read

No run belongs to it, so there is no verdict: facts are told, and those that would make one red are red.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from dashboard.bins import Window
from dashboard.engine.completeness import gaps_of, may_have_lost, remarks_on
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerEnd, ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.records import Raw
from dashboard.engine.stamps import seconds
from dashboard.engine.whole_log import WholeLog, sift_log
from dashboard.evidence import LogEvent
from dashboard.load_spans import LoadSpan, load_spans
from dashboard.profiles import Profile
from dashboard.timeline import Timeline

__all__ = ["SPANS", "LoadHistory", "Volume", "read_history"]

SPANS: Final = {"1h": 3600, "6h": 6 * 3600, "24h": 24 * 3600, "7d": 7 * 24 * 3600}
"""The ranges that can be chosen, in seconds."""
_MOST_EVENTS: Final = 20_000
_TELL_S: Final = 0.3
_BY_SECONDS: Final = 2 * 3600
"""Up to this range lines are counted by the second, above it by the minute."""
_STAMP_END: Final = slice(29, 31)
_SAME_END_S: Final = 2.0


class Volume:
    """How many lines came in each second, or minute: memory grows with the range, not with the log."""

    def __init__(self, range_s: float) -> None:
        self.width: Final = 1 if range_s <= _BY_SECONDS else 60
        self._cut = 19 if self.width == 1 else 16
        self._counts: Counter[bytes] = Counter()
        self._others: Counter[int] = Counter()

    def see(self, log: WholeLog, raws: list[Raw]) -> None:
        """Count some lines: by the beginning of their stamp where it is docker's own."""
        own = [body for _stream, body in raws if body[_STAMP_END] == b"Z "]
        self._counts.update(body[: self._cut] for body in own)
        if len(own) < len(raws):
            for raw in raws:
                nanos = log.read(*raw).nanos
                if raw[1][_STAMP_END] != b"Z " and nanos is not None:
                    self._others[nanos // 1_000_000_000 // self.width * self.width] += 1

    def counts(self, ahead: float) -> tuple[tuple[float, int], ...]:
        """Return when each part began (Unix seconds, this machine's clock) and its lines, ascending."""
        ending = b"Z" if self.width == 1 else b":00Z"
        found: Counter[float] = Counter(self._others)
        for prefix, count in self._counts.items():
            begin = seconds((prefix + ending).decode("ascii", "replace"))
            if begin is not None:
                found[begin] += count
        return tuple((begin - ahead, count) for begin, count in sorted(found.items()))


@dataclass(frozen=True, slots=True)
class LoadHistory:
    """What is known so far. Times are Unix seconds by this machine's clock.

    Attributes:
        window: from when to when. ahead: how far the engine's clock is ahead of ours.
        events: of loads; `beyond` counts those that there was no room for.
        ends: when the container's process ended, and how; None where the engine would not tell.
        volume: when each part of the range began and its lines; `width` is how many seconds one has.
        notes: sentences on what may be missing.
        running: it is still being read. problem: why it is not whole, as a sentence with the next step.
    """

    container: str
    window: Window
    ahead: float = 0.0
    running: bool = True
    problem: str = ""
    lines: int = 0
    size: int = 0
    events: tuple[LogEvent, ...] = ()
    beyond: int = 0
    ends: tuple[ContainerEnd, ...] | None = None
    volume: tuple[tuple[float, int], ...] = ()
    width: int = 60
    notes: tuple[str, ...] = ()
    spans: tuple[LoadSpan, ...] = field(default=())

    @property
    def bad(self) -> int:
        """How many loads would make a verdict red, each alone."""
        return sum(span.bad for span in self.spans)

    @property
    def meta_errors(self) -> int:
        """How many meta tensor errors were seen."""
        return sum(event.kind == "meta_tensor_error" for event in self.events)


def read_history(
    engine: Engine,
    name: str,
    range_s: float,
    *,
    profile_of: Callable[[ContainerFacts], Profile | str | None] = lambda container: None,
    tell: Callable[[LoadHistory], None] = lambda history: None,
    stopped: Callable[[], bool] = lambda: False,
    now: Callable[[], float] = time.time,
) -> LoadHistory:
    """Read the log of a container over its last `range_s` seconds. Blocks as long as that takes.

    Args:
        profile_of: tells whose lines to look for; None tries several.
        tell: is given what is known so far, now and then. stopped: asked between blocks of lines.

    Raises:
        EngineError: nothing could be read; what came before a later fault is returned with its `problem`.
    """
    container = engine.container(name)
    end = now()
    reading = _Reading(engine, container, Window(end - range_s, end), profile_of(container))
    told = 0.0
    try:
        for _block in reading.blocks():
            if stopped():
                return reading.picture(running=False, problem="The reading was stopped. Read it again.")
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                tell(reading.picture(running=True))
    except EngineError as error:
        if not reading.lines:
            raise
        return reading.picture(running=False, problem=str(error))
    return reading.picture(running=False, notes=reading.notes())


class _Reading:
    """One log while it is read. For one thread."""

    def __init__(
        self, engine: Engine, container: ContainerFacts, window: Window, profile: Profile | str | None
    ) -> None:
        self._engine, self._container, self._window = engine, container, window
        self._profile = profile
        self._volume = Volume(window.width)
        self._timeline = Timeline(profile, most=_MOST_EVENTS)
        self._ends = self._all_ends()
        self.lines = self._size = 0

    def blocks(self) -> Iterator[None]:
        """Read on, block by block."""
        ahead = self._engine.clock_ahead_s
        for sifted in sift_log(
            self._engine, self._container, since=self._window.begin + ahead, until=self._window.end + ahead,
            profile=self._profile, see=self._volume.see,
        ):  # fmt: skip
            self.lines, self._size = self.lines + sifted.count, self._size + sifted.size
            for line, before in sifted.telling:
                self._timeline.feed(line, before=before)
            yield

    def picture(self, *, running: bool, problem: str = "", notes: Iterable[str] = ()) -> LoadHistory:
        events = tuple(event for event in self._timeline.events() if event.kind != "requested")
        return LoadHistory(
            self._container.name,
            self._window,
            self._engine.clock_ahead_s,
            running,
            problem,
            self.lines,
            self._size,
            events,
            sum(count for kind, count in self._timeline.beyond().items() if kind != "progress"),
            self._ends,
            self._volume.counts(self._engine.clock_ahead_s),
            self._volume.width,
            tuple(notes),
            load_spans(events, [end.time for end in self._ends or ()]),
        )

    def notes(self) -> tuple[str, ...]:
        """Return what may be missing, once all has been read."""
        since = self._window.begin + self._engine.clock_ahead_s
        gaps = (*gaps_of(self._container), *may_have_lost(self._engine, self._container, since, self._size))
        return (*(gap.text for gap in gaps), *remarks_on(self._container))

    def _all_ends(self) -> tuple[ContainerEnd, ...] | None:
        """Ask the engine how the container has ended; it forgets after some hundred events, or a restart.

        Its newest end it always knows.
        """
        ahead, container = self._engine.clock_ahead_s, self._container
        try:
            ends = list(self._engine.ends(container, self._window.begin + ahead))
        except EngineError:
            return None
        last = container.finished_at
        if last is not None and all(abs(end.time - last) > _SAME_END_S for end in ends):
            ends.append(ContainerEnd(last, container.exit_code or 0, container.oom_killed, asked=False))
        begin = self._window.begin
        shifted = (ContainerEnd(end.time - ahead, end.status, end.out_of_memory, end.asked) for end in ends)
        return tuple(sorted((end for end in shifted if end.time >= begin), key=lambda end: end.time))
