"""Many moments as few: bins where they stand close, each moment by itself where there is room. Pure.

A chart of a hundred thousand marks is drawn in seconds and read by nobody. Bins are made of what lies in the
window that is looked at, so that zooming in ends at the moments themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bin", "Window", "binned", "counts_over", "inside", "moments"]

Moments = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an axis of time, in seconds."""

    begin: float
    end: float

    @property
    def width(self) -> float:
        """Its seconds; never nothing, so that it can be divided."""
        return max(self.end - self.begin, 1e-6)

    def holds(self, other: Window) -> bool:
        """Whether `other` lies in it."""
        return self.begin <= other.begin and other.end <= self.end

    def widened(self, share: float) -> Window:
        """Return it with `share` of its width more on each side, so that a small step needs no new data."""
        return Window(self.begin - share * self.width, self.end + share * self.width)


@dataclass(frozen=True, slots=True)
class Bin:
    """Some moments that stand close: the first of them, its place in the series, and how many there are."""

    at: float
    first: int
    count: int


def moments(values: Iterable[float]) -> Moments:
    """Return times as one array."""
    return np.fromiter(values, np.float64)


def inside(series: Moments, window: Window) -> NDArray[np.int64]:
    """Return the places of the moments in a window, in the order of time; `series` need not be sorted."""
    places = np.flatnonzero((series >= window.begin) & (series <= window.end))
    return places[np.argsort(series[places], kind="stable")]


def binned(series: Moments, window: Window, most: int) -> list[Bin]:
    """Return the moments in a window: one by one if there are at most `most`, else in at most `most` bins."""
    places = inside(series, window)
    if len(places) <= most:
        return [Bin(float(series[place]), int(place), 1) for place in places]
    slots = np.minimum(((series[places] - window.begin) / window.width * most).astype(np.int64), most - 1)
    starts = np.flatnonzero(np.diff(slots, prepend=-1))
    counts = np.diff(starts, append=len(places))
    return [
        Bin(float(series[places[start]]), int(places[start]), int(count))
        for start, count in zip(starts, counts, strict=True)
    ]


def counts_over(series: Moments, window: Window, slots: int) -> list[int]:
    """Return how many moments fall into each of `slots` equal parts of a window."""
    counts, _ = np.histogram(series, bins=slots, range=(window.begin, window.begin + window.width))
    return _plain(counts)


def _plain(values: Any) -> list[int]:
    return [int(value) for value in values]
