"""The watch over a probe: ends it from outside when it cannot end itself, or when somebody says so."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dashboard.probing.report import GRACE_S, IMPORT_LIMIT_S, Reading

__all__ = ["Stop", "Watch"]


class Stop:
    """A word that ends a probe, said before it began or in its middle. Threading: any thread, any number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards both: no end may be handed over between a look and the word
        self._end: Callable[[], None] | None = None
        self._said = False

    @property
    def said(self) -> bool:
        """Whether somebody has said it."""
        return self._said

    def say(self) -> None:
        """End the probe; blocks until its process is gone."""
        with self._lock:
            self._said, end = True, self._end
        if end is not None:
            end()

    def hand_over(self, end: Callable[[], None]) -> None:
        """Give the means to end what has just begun."""
        with self._lock:
            self._end, said = end, self._said
        if said:
            end()


class Watch:
    """Calls `end` once a probe has taken too long: to be imported, or after its release.

    The program ends itself in time, unless a thread of it holds the interpreter for ever.
    """

    def __init__(self, reading: Reading, timeout_s: float) -> None:
        self._reading, self._timeout_s = reading, timeout_s
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, end: Callable[[], None]) -> None:
        """Begin to watch on a thread of its own."""

        def work() -> None:
            waited = 0.0
            while not self._reading.released and waited < IMPORT_LIMIT_S and not self._done.wait(0.2):
                waited += 0.2
            if not self._done.wait(self._timeout_s + GRACE_S if self._reading.released else 0):
                self._reading.held = not self._reading.ended
                end()

        self._thread = threading.Thread(target=work, name="probe-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
