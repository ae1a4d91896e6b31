"""Samples what a worker holds through a trial: before the release, about once a second, after the settling.

Sparsely, because a reading is not free for the worker: the kernel holds the lock of the process's memory map
while it counts its pages, and a load that maps weights waits for it (9 ms for each reading at 1.3 GB).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from dashboard.memory import MemorySample, thinned_samples

__all__ = ["MemoryWatch"]

_EVERY_S: Final = 1.0
_END_S: Final = 2.0
_MOST: Final = 240


class MemoryWatch:
    """A bounded series of samples. Threading: `samples` from any thread, the rest from the trial's own.

    Args:
        read: takes one sample, None where nobody can; it may block for a second or so.
    """

    def __init__(self, read: Callable[[], MemorySample | None]) -> None:
        self._read = read
        self._series: list[MemorySample] = []
        self._lock = threading.Lock()  # guards the series, which is thinned in place
        self._closing, self._begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="memory-watch", daemon=True)

    def take(self) -> bool:
        """Take one sample now, and tell whether there was one."""
        sample = self._read()
        if sample is None:
            return False
        with self._lock:
            self._series.append(sample)
            if len(self._series) > _MOST:
                self._series = thinned_samples(self._series)
        return True

    def begin(self) -> None:
        """Take a sample now and then every second, until `close`; without a thread to be had, one now."""
        try:
            self._thread.start()
        except RuntimeError:  # the first and the last decide; those between are for the picture
            self.take()
            self._begun.set()

    def wait_begun(self, timeout: float) -> bool:
        """Block until the first sample was taken, which goes on beside; False after `timeout` seconds."""
        return self._begun.wait(timeout)

    def close(self) -> None:
        """Take no more. Idempotent; a reading that hangs is not waited for."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def samples(self) -> tuple[MemorySample, ...]:
        """Return the samples so far, oldest first."""
        with self._lock:
            return tuple(self._series)

    def _work(self) -> None:
        try:
            self.take()
        finally:
            self._begun.set()
        while not self._closing.wait(_EVERY_S):
            self.take()
