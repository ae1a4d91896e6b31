"""What a container uses while a trial goes on, kept as a bounded series for the run's record."""

from __future__ import annotations

import threading
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.stats import Counters, usage_between
from dashboard.usage import Usage, thinned

__all__ = ["UsageRecord"]

_EVERY_S: Final = 1.0
_END_S: Final = 1.0
_MOST: Final = 120
"""Readings that are kept; a longer trial has a coarser series, which loses no peak."""


class UsageRecord:
    """Reads a container every second, from now on until `close`. Threading: any thread.

    What the engine does not tell is no fault of the trial's: the series has a hole there.
    """

    def __init__(self, engine: Engine, container: ContainerFacts) -> None:
        self._engine, self._container = engine, container
        self._series: list[Usage] = []
        self._lock = threading.Lock()  # guards the series, which is thinned in place
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"usage-{container.name}", daemon=True)
        self._thread.start()

    def series(self) -> tuple[Usage, ...]:
        """Return the readings so far, oldest first."""
        with self._lock:
            return thinned(self._series, _MOST)

    def close(self) -> None:
        """Read no more. Idempotent; an engine that hangs is not waited for."""
        self._closing.set()
        self._thread.join(_END_S)

    def _work(self) -> None:
        before: Counters | None = None
        while not self._closing.is_set():
            try:
                now = self._engine.stats(self._container)
            except EngineError:
                now = None
            if now is not None:
                usage = usage_between(before, now, self._container)
                with self._lock:
                    self._series.append(usage)
                    if len(self._series) > 4 * _MOST:
                        self._series = list(thinned(self._series, 2 * _MOST))
            before = now
            self._closing.wait(_EVERY_S)
