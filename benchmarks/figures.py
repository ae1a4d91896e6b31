"""What a benchmark found: rows with their peers, intervals, targets and what may honestly be said of them."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

__all__ = [
    "Interval",
    "Report",
    "Row",
    "Standing",
    "interleaved",
    "measured",
    "median_interval",
    "ratios",
]

T = TypeVar("T")

Standing = Literal["met", "missed", "within noise", "too few rounds", "no target"]

_RESAMPLES: Final = 10_000
# Of fewer, not even the least and the most hold the median 95 times in 100: they miss it 2 × ½ⁿ of the time
_FEWEST_ROUNDS: Final = 6
_SEED: Final = 20_231_017  # a report of the same measurements is the same report


@dataclass(frozen=True, slots=True)
class Interval:
    """A median with the interval that holds it with 95 % confidence, if there were rounds enough."""

    median: float
    low: float
    high: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report.

    Attributes:
        what: what was measured.
        value, unit: its median; None when it was skipped, and `note` says why.
        quartiles: a quarter of the measurements lie below the first, a quarter above the second.
        peer: what it was compared with, in the same run; None for a row that others are compared with.
        ratio: this row's measurements over the peer's, each with that of its own round.
        target: the ratio, or without a peer the value, that it should not exceed.
    """

    what: str
    value: float | None
    unit: str
    quartiles: tuple[float, float] | None = None
    peer: str | None = None
    ratio: Interval | None = None
    target: float | None = None
    note: str = ""

    @property
    def standing(self) -> Standing:
        """Whether the target was met, as far as the measurements can tell."""
        found = self.ratio.median if self.ratio is not None else self.value if self.peer is None else None
        if self.target is None or found is None:
            return "no target"
        if self.ratio is not None and self.ratio.rounds < _FEWEST_ROUNDS:
            return "too few rounds"
        low, high = (self.ratio.low, self.ratio.high) if self.ratio is not None else (found, found)
        return "met" if high <= self.target else "missed" if low > self.target else "within noise"

    @property
    def remark(self) -> str:
        """`note`, and in words what the noise leaves open."""
        said = [self.note] if self.note else []
        if self.standing == "within noise" and self.ratio is not None and self.target is not None:
            side = "under" if self.ratio.median <= self.target else "over"
            said.append(
                f"The median is {side} the target of {self.target:g}, but the noise is larger than the "
                f"claim: the interval goes from {self.ratio.low:.3f} to {self.ratio.high:.3f}."
            )
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found. `notes` say how it was measured."""

    name: str
    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())


def median_interval(values: Sequence[float]) -> Interval:
    """Return the median and its 95 % interval, by bootstrap: medians of samples drawn with replacement.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("There is no median of no measurements. Measure at least one round.")
    draw = random.Random(_SEED)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    low, high = medians[_RESAMPLES * 25 // 1000], medians[_RESAMPLES * 975 // 1000 - 1]
    return Interval(statistics.median(values), low, high, len(values))


def ratios(values: Sequence[float], peers: Sequence[float]) -> list[float]:
    """Return each value over the peer's of the same round, so that what slowed both cancels out."""
    return [value / peer for value, peer in zip(values, peers, strict=True)]


def measured(
    what: str,
    unit: str,
    values: Sequence[float],
    *,
    peer: tuple[str, Sequence[float]] | None = None,
    target: float | None = None,
    note: str = "",
) -> Row:
    """Return the row of some measurements, compared round by round with those of a peer."""
    low, high = values[0], values[0]
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Row(
        what,
        statistics.median(values),
        unit,
        (low, high),
        None if peer is None else peer[0],
        None if peer is None else median_interval(ratios(values, peer[1])),
        target,
        note,
    )


def interleaved(measures: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Take every measure once a round, each round in another order, so that a slow moment is everybody's.

    There is one round more, the first, which warms up and does not count.
    """
    found: dict[str, list[T]] = {name: [] for name in measures}
    draw = random.Random(_SEED)
    for number in range(rounds + 1):
        order = list(measures)
        draw.shuffle(order)
        for name in order:
            value = measures[name]()
            if number > 0:
                found[name].append(value)
    return found
