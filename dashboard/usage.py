"""What a container used of its machine at one moment, as frozen data, and how a long series is thinned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Usage", "thinned"]


@dataclass(frozen=True, slots=True)
class Usage:
    """One reading of a container's counters, put in relation to the one before.

    Attributes:
        time: Unix seconds, by the engine's clock.
        cpu: cores' worth of CPU time since the reading before: 1.0 is one core busy all the time. None for a
            first reading.
        cpu_limit: cores that it may use: its own limit, or all of the machine's.
        memory: bytes, without the file cache that gives way when memory is wanted; None where the engine
            keeps no account.
        memory_limit: bytes that it may use: its own limit, or the machine's memory.
        processes: processes and threads in it, as the kernel counts them; None without an account.
    """

    time: float
    cpu: float | None
    cpu_limit: float | None
    memory: int | None
    memory_limit: int | None
    processes: int | None

    @property
    def cpu_share(self) -> float | None:
        """How much of what it may use of the CPU it uses, from 0 to 1."""
        return _share(self.cpu, self.cpu_limit)

    @property
    def memory_share(self) -> float | None:
        """How much of what it may use of the memory it uses, from 0 to 1."""
        return _share(self.memory, self.memory_limit)


def thinned(series: Sequence[Usage], most: int) -> tuple[Usage, ...]:
    """Return at most `most` readings of a series: of each stretch the one with the most memory, and the last.

    A peak is what an operator looks for, so that none may fall out.
    """
    if len(series) <= most:
        return tuple(series)
    stretches = most - 1
    bounds = [round(place * (len(series) - 1) / stretches) for place in range(stretches + 1)]
    peaks = (max(series[begin:end], key=lambda usage: usage.memory or 0) for begin, end in pairwise(bounds))
    return (*peaks, series[-1])


def _share(used: float | None, limit: float | None) -> float | None:
    return None if used is None or not limit else min(1.0, max(0.0, used / limit))
