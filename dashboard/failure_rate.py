"""How often trials fail, with the uncertainty that so many trials leave: 95 % bounds. Pure.

A red trial is a failure, a green one is none. An inconclusive one shows neither, and is left out and told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.evidence import Colour

__all__ = ["Failures", "failures_of", "share"]

_CONFIDENCE: Final = 0.95
_Z: Final = 1.959963984540054  # of the normal distribution, two-sided


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures among repeated trials, and between which bounds their true share lies with 95 % confidence.

    Attributes:
        failed, trials: red ones among the red and green ones. left_out: inconclusive ones.
        low, high: the bounds, from 0 to 1.
        method: `rule of three` (3/n, one-sided) where nothing failed, else the `Wilson` interval (two-sided).
        exact_high: where nothing failed, the exact bound 1 - 0.05^(1/n), which the rule of three rounds up.
    """

    failed: int
    trials: int
    left_out: int
    low: float
    high: float
    method: Literal["rule of three", "Wilson"]
    exact_high: float | None

    @property
    def text(self) -> str:
        """The same as sentences for people."""
        left = f" Left out: {self.left_out:,} inconclusive." if self.left_out else ""
        if not self.trials:
            return f"No trial was green or red, so nothing is known of failures.{left}"
        of = f"{self.failed:,} of {self.trials:,} trial{'s' if self.trials != 1 else ''} failed"
        if not self.failed and self.high >= 1:
            return f"{of}: so few bound nothing; it takes 4 or more (rule of three).{left}"
        if not self.failed:
            exact = f"exactly {share(self.exact_high or 1.0)}"
            return f"{of}: with 95 % confidence at most {share(self.high)} do (rule of three; {exact}).{left}"
        bounds = f"between {share(self.low)} and {share(self.high)}"
        return f"{of}, {share(self.failed / self.trials)}: {bounds} with 95 % confidence (Wilson).{left}"


def failures_of(colours: Iterable[Colour]) -> Failures:
    """Count the failures among judged trials."""
    seen = list(colours)
    failed, trials = seen.count("red"), len(seen) - seen.count("inconclusive")
    left_out = seen.count("inconclusive")
    if not failed:
        high = min(1.0, 3 / trials) if trials else 1.0
        exact = 1 - (1 - _CONFIDENCE) ** (1 / trials) if trials else 1.0
        return Failures(0, trials, left_out, 0.0, high, "rule of three", exact)
    low, high = _wilson(failed, trials)
    return Failures(failed, trials, left_out, low, high, "Wilson", None)


def share(value: float) -> str:
    """Return a share as people write it: `15 %`, `0.3 %`."""
    percent = value * 100
    return (
        f"{percent:.0f} %"
        if percent >= 9.95
        else f"{percent:.1f} %"
        if percent >= 0.095
        else f"{percent:.2g} %"
    )


def _wilson(failed: int, trials: int) -> tuple[float, float]:
    found, square = failed / trials, _Z * _Z
    middle = found + square / (2 * trials)
    spread = _Z * math.sqrt(found * (1 - found) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    # Rounding must not lead out of what a share can be
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
