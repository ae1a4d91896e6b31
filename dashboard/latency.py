"""Percentiles of the variants' latency, by nearest rank: each one is a latency that a variant really had."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dashboard.evidence import Latency, Variant

__all__ = ["latency_of", "nearest_rank"]


def latency_of(variants: Iterable[Variant] | None) -> Latency | None:
    """Return the percentiles over the answered variants, in seconds; None where none was answered."""
    seconds = sorted(
        variant.latency_s
        for variant in variants or ()
        if variant.state == "answered" and variant.latency_s is not None
    )
    if not seconds:
        return None
    return Latency(
        p50=nearest_rank(seconds, 50),
        p95=nearest_rank(seconds, 95),
        p99=nearest_rank(seconds, 99),
        max=seconds[-1],
    )


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest value that at least `percent` of the `ordered` values do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
