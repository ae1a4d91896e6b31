"""What running containers use, live: one reading of each for all who look, and none when nobody does.

page, every 2 s --look()--> the newest readings, at once
                                 ^
one thread: reads one container after the other, until nobody has looked for a while
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import ContainerGone, EngineError, EngineRefused
from dashboard.engine.stats import Counters, usage_between
from dashboard.usage import Usage

__all__ = ["Gauge", "Gauges"]

_EVERY_S: Final = 2.0
_UNWATCHED_S: Final = 10.0
"""How long the readings go on after the last look: a page that is open looks more often."""
_END_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Gauge:
    """The newest reading of one container, or why there is none.

    Attributes:
        usage: None before the first reading, and where the engine gives none.
        problem: why it is not read now, as a sentence; the `usage` beside it is an old one then.
        age_s: seconds since it was read; an engine that is slow lets it grow.
    """

    usage: Usage | None = None
    problem: str = ""
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Read:
    at: float
    counters: Counters | None
    usage: Usage | None
    problem: str = ""


class Gauges:
    """The readings of one engine's containers. Threading: any thread; nothing here waits for the engine."""

    def __init__(
        self,
        open_engine: Callable[[], Engine] = Engine.open,
        *,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = _EVERY_S,
    ) -> None:
        self._open_engine, self._clock, self._every_s = open_engine, clock, every_s
        self._lock = (
            threading.Lock()
        )  # guards all below: who is wanted, what was read, whether a thread reads
        self._wanted: tuple[ContainerFacts, ...] = ()
        self._looked_at = float("-inf")
        self._read: dict[str, _Read] = {}
        self._reader: threading.Thread | None = None
        self._closing = threading.Event()

    def look(self, containers: Iterable[ContainerFacts]) -> Mapping[str, Gauge]:
        """Return the newest readings of those that run, by name, at once; they are read on from now on."""
        running = tuple(each for each in containers if each.state == "running")
        now = self._clock()
        with self._lock:
            self._wanted, self._looked_at = running, now
            if running and self._reader is None and not self._closing.is_set():
                self._reader = threading.Thread(target=self._work, name="gauges", daemon=True)
                self._reader.start()
            read = {each.name: self._read.get(each.id) for each in running}
        return {
            name: Gauge() if found is None else Gauge(found.usage, found.problem, now - found.at)
            for name, found in read.items()
        }

    def close(self) -> None:
        """Read no more. Idempotent; does not wait for an engine that hangs."""
        self._closing.set()
        reader = self._reader
        if reader is not None:
            reader.join(_END_S)

    def _work(self) -> None:
        engine: Engine | None = None
        try:
            while (wanted := self._still_wanted()) is not None:
                try:
                    engine = engine or self._open_engine()
                    for container in wanted:
                        self._keep(container, *_asked(engine, container, self._before(container)))
                except EngineError as error:  # none answers: so it is for all, and the next look is a new try
                    for container in wanted:
                        self._keep(container, None, None, str(error))
                    if engine is not None:
                        engine.close()
                        engine = None
                self._closing.wait(self._every_s)
        finally:
            with self._lock:
                if self._reader is threading.current_thread():
                    self._reader = None  # whatever broke it, the next look begins anew
            if engine is not None:
                engine.close()

    def _still_wanted(self) -> tuple[ContainerFacts, ...] | None:
        """Return what is to be read; None, with the thread taken back, when nobody looks any more."""
        with self._lock:
            unwatched = self._clock() - self._looked_at > _UNWATCHED_S
            if unwatched or self._closing.is_set():
                self._reader = None
                self._read.clear()
                return None
            known = {each.id for each in self._wanted}
            self._read = {key: read for key, read in self._read.items() if key in known}
            return self._wanted

    def _before(self, container: ContainerFacts) -> Counters | None:
        with self._lock:
            read = self._read.get(container.id)
        return None if read is None else read.counters

    def _keep(
        self, container: ContainerFacts, counters: Counters | None, usage: Usage | None, problem: str = ""
    ) -> None:
        with self._lock:
            old = self._read.get(container.id)
            if problem and old is not None:
                self._read[container.id] = _Read(old.at, old.counters, old.usage, problem)
            else:
                self._read[container.id] = _Read(self._clock(), counters, usage, problem)


def _asked(
    engine: Engine, container: ContainerFacts, before: Counters | None
) -> tuple[Counters | None, Usage | None, str]:
    try:
        counters = engine.stats(container)
    except ContainerGone:
        return None, None, ""  # the next list of containers is without it
    except EngineRefused as error:
        return None, None, str(error)
    if counters is None:
        return None, None, ""
    return counters, usage_between(before, counters, container), ""
