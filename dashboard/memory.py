"""What a worker's process held while a trial went on, and the steps of one model's size that stayed.

    samples:  before the release │ about one a second │ after all is settled
              └── the ground ────┴── what later samples fall below was a peak ──┴── the settled level

A step is where the level rises by one more model *for good*: each sample is taken down to the lowest one that
follows, so that a cast's second copy, or a buffer that is given back, is none. PSS and not RSS: transformers
maps weights from the file, and RSS counts the same page for every mapping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, Literal

__all__ = [
    "SMALLEST",
    "Memory",
    "MemorySample",
    "Place",
    "Steps",
    "Yardstick",
    "steps_of",
    "thinned_samples",
]

Place = Literal["cpu", "gpu"]
SMALLEST: Final = 200_000_000
"""Bytes of a model below which its size is not told from what threads, buffers and libraries take."""
_NOISE: Final = 150_000_000
"""What a process may take besides its models, however small they are: a second model takes more."""
_LIBRARIES: Final = 600_000_000
"""The same, where nobody knows whether torch and transformers were in its memory before the release."""


@dataclass(frozen=True, slots=True)
class MemorySample:
    """What the process held at one moment (Unix seconds); bytes, None where nobody could tell.

    Attributes:
        pss: its proportional share of physical memory.
        gpu: in tensors on all GPUs, by torch's own account.
        told_by: who read the PSS: the `kernel` of this machine, or the `worker` of itself.
    """

    time: float
    pss: int | None = None
    gpu: int | None = None
    told_by: Literal["kernel", "worker"] = "kernel"

    def at(self, place: Place) -> int | None:
        """What was held there."""
        return self.pss if place == "cpu" else self.gpu


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What the samples of a process are measured by.

    Attributes:
        model: bytes of one model by place, as the worker counts its tensors, or as the settings name it;
            empty where nobody knows.
        ground: PSS, in bytes, once the libraries were imported and before any load, as the worker tells; a
            worker is alive, and released at, before its imports have ended. None where nobody knows.
    """

    model: Mapping[Place, int] = field(default_factory=dict)
    ground: int | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """The samples of one trial, oldest first: the first before the release, the last after the settling.

    Attributes: `settled`, whether the last sample was taken after everything had ended.
    """

    samples: tuple[MemorySample, ...] = ()
    yardstick: Yardstick = Yardstick()
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """How many models the settled memory holds more than the memory before the release.

    Attributes:
        silent: why nothing can be said, as a sentence; empty where something can.
        before, after: bytes held then. size: of one model. times: of each step, Unix seconds.
    """

    place: Place = "cpu"
    size: int = 0
    before: int = 0
    after: int = 0
    times: tuple[float, ...] = ()
    silent: str = ""

    @property
    def copies(self) -> int:
        """How many models were added and stayed."""
        return len(self.times)


def steps_of(memory: Memory | None, released_at: float | None) -> Steps:
    """Find the steps of one model's size in the samples of a trial, or say why there is nothing to find."""
    if memory is None or released_at is None:
        return Steps(silent="Nobody measured the memory.")
    model = memory.yardstick.model
    if not model:
        return Steps(silent="The model's size is not known, so its steps cannot be told from others.")
    place: Place = max(model, key=lambda each: model[each])
    size = model[place]
    # What torch has put on a GPU is told by torch itself: its libraries are not in it
    slack = _NOISE if place == "gpu" or memory.yardstick.ground is not None else _LIBRARIES
    smallest = SMALLEST if slack == _NOISE else 2 * _LIBRARIES
    if size < smallest:
        return Steps(
            place,
            size,
            silent=f"The model takes {size / 1e6:,.0f} MB: under {smallest / 1e6:,.0f} MB a step is not told "
            "from what else a process takes.",
        )
    told = [(each.time, each.at(place)) for each in memory.samples]
    if place == "gpu" and any(held is not None for _, held in told):
        told = [(time, held or 0) for time, held in told]  # before its first tensor it has told of none
    levels = [(time, held) for time, held in told if held is not None]
    ground = [held for time, held in levels if time <= released_at]
    if not levels:
        return Steps(place, size, silent=_UNREADABLE[place])
    if not ground:
        return Steps(place, size, silent="No reading is from before the release.")
    if not memory.settled or levels[-1][0] <= released_at:
        return Steps(place, size, silent="No reading is from after everything had ended.")
    before, after = ground[-1], levels[-1][1]
    if place == "cpu" and memory.yardstick.ground is not None:
        before = max(before, memory.yardstick.ground)
    times: list[float] = []
    for time, level in _lasting(levels):
        while level - before >= _step(len(times) + 1, size, slack):
            times.append(time)
    if not times:
        return Steps(
            place,
            size,
            before,
            after,
            silent="The weights lie elsewhere, or were not read from their file yet.",
        )
    return Steps(place, size, before, after, tuple(times))


_UNREADABLE: Final[Mapping[Place, str]] = {
    "cpu": "The proportional memory (PSS) of its process cannot be read from here.",
    "gpu": "The memory of its GPU cannot be read from here.",
}


def _step(number: int, size: int, slack: int) -> float:
    """The rise from which on so many models must lie there: half a model more than one less."""
    return (number - 1) * size + (size / 2 if number == 1 else max(size / 2, slack))


def _lasting(levels: list[tuple[float, int]]) -> Iterable[tuple[float, int]]:
    """Each level taken down to the lowest that follows: what stayed of it."""
    lowest = list(accumulate((held for _, held in reversed(levels)), min))[::-1]
    return zip((time for time, _ in levels), lowest, strict=True)


def thinned_samples(samples: list[MemorySample]) -> list[MemorySample]:
    """Return every second sample, and always the first and the last: a long trial is told more coarsely.

    What lies between may hold a peak, and no peak is any step.
    """
    return [*samples[:-1:2], samples[-1]] if len(samples) > 2 else samples
