"""Whether two sets of measurements differ by more than chance: exact for the few trials people make. Pure.

    times of trials   --> how many times as long, with the 95 % interval of Hodges and Lehmann
    failures of trials --> the chance of so many more, by Fisher's exact test

Neither assumes a distribution. Latencies of one trial share one load and are no independent measurements, so
that the unit of both is the trial.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

__all__ = ["FEWEST", "Shift", "chance_of_more", "shift_between"]

FEWEST: Final = 4
"""Trials on each side from which on there is an interval: with three, any order comes about by chance."""

_TAIL: Final = 0.025
_NORMAL: Final = 1.96
_EXACT: Final = 60  # measurements in all; beyond, the normal approximation is exact enough


@dataclass(frozen=True, slots=True)
class Shift:
    """How many times the second measurements are the first.

    `low` and `high` enclose it with 95 % confidence; None with too few measurements to tell.
    """

    ratio: float
    low: float | None = None
    high: float | None = None

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval excludes that nothing has changed."""
        return self.low is not None and self.high is not None and not self.low <= 1.0 <= self.high


def shift_between(before: Sequence[float], after: Sequence[float]) -> Shift | None:
    """Return the shift from `before` to `after`; None where either is empty or not above zero.

    The estimate is the median of all pairs' ratios, and the interval lies between two of them.
    """
    if not before or not after or min(*before, *after) <= 0:
        return None
    ratios = sorted(second / first for first in before for second in after)
    outside = _outside(len(before), len(after))
    if outside == 0:
        return Shift(median(ratios))
    return Shift(median(ratios), ratios[outside - 1], ratios[-outside])


def chance_of_more(failed_before: int, before: int, failed_after: int, after: int) -> float:
    """Return the chance of at least `failed_after` failures of `after` trials, were both sides alike.

    One-sided: the failures of all trials dealt out at random.
    """
    failed, trials = failed_before + failed_after, before + after
    ways = sum(
        math.comb(after, count) * math.comb(before, failed - count)
        for count in range(failed_after, min(failed, after) + 1)
        if failed - count <= before
    )
    return ways / math.comb(trials, failed)


def _outside(one: int, other: int) -> int:
    """How many of the ordered pairs lie beyond each end of the interval, plus one; 0 with too few to tell.

    Mann and Whitney's U counts the pairs in which the second is the smaller: that many, or fewer, come about
    by chance with at most 2.5 %.
    """
    if one + other > _EXACT:
        spread = math.sqrt(one * other * (one + other + 1) / 12)
        return max(0, math.floor(one * other / 2 - _NORMAL * spread))
    left = _TAIL * math.comb(one + other, one)
    for value, ways in enumerate(_ways(one, other)):
        left -= ways
        if left < 0:
            return value
    return 0


def _ways(one: int, other: int) -> list[int]:
    """Return in how many orders of all measurements U has each value: Gauss's binomial coefficients."""
    ways = [1] + [0] * (one * other)
    for factor in range(1, one + 1):
        for value in range(one * other, other + factor - 1, -1):
            ways[value] -= ways[value - other - factor]
        for value in range(factor, one * other + 1):
            ways[value] += ways[value - factor]
    return ways
