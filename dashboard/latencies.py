"""How long variants took, told apart by what they did for their model: loaded it, waited, or found it. Pure.

variant --its spans, its load's end--> loaded | waited | reused --> Sample: sorted seconds under one name
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from dashboard.evidence import Variant
from dashboard.language import _, n_
from dashboard.latency import nearest_rank
from dashboard.record import RunRecord, TrialRecord
from dashboard.spans import VariantRow, variant_rows
from dashboard.wording import seconds

__all__ = ["Got", "Sample", "got_by_id", "latency_rows", "latency_words", "sample_of_run", "samples_of_trial"]

Got = Literal["waited", "loaded", "reused", "untold"]
"""How a variant came by its model; `untold` where neither its log nor its answer says."""
_ORDER: Final[tuple[Got, ...]] = ("loaded", "waited", "reused", "untold")
_AT_ONCE_MS: Final = 5.0
"""Whoever had the model within so long did not wait for a load."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The latencies of some answered variants, ascending; `got` where all came by their model alike."""

    label: str
    seconds: tuple[float, ...]
    got: Got | None = None


def got_by_id(trial: TrialRecord) -> dict[str, Got]:
    """Return how each answered variant came by its model."""
    ends: dict[tuple[str | None, int | None], float] = {
        (event.boot, event.load): event.time
        for event in reversed([event for event in trial.events if event.kind == "completed"])
    }
    rows = {row.id: row for row in variant_rows(trial)}
    return {
        variant.variant_id: _got(variant, rows[variant.variant_id], ends.get((variant.boot, variant.load_id)))
        for variant in trial.variants
        if variant.state == "answered"
    }


def samples_of_trial(trial: TrialRecord) -> tuple[Sample, ...]:
    """Return the latencies of a trial, one sample for each way to come by the model."""
    found = got_by_id(trial)
    told: dict[Got, list[float]] = defaultdict(list)
    for variant in trial.variants:
        if variant.variant_id in found and variant.latency_s is not None:
            told[found[variant.variant_id]].append(variant.latency_s)
    return tuple(Sample(_label(got), tuple(sorted(told[got])), got) for got in _ORDER if got in told)


def sample_of_run(record: RunRecord, label: str) -> Sample:
    """Return the latencies of all proper trials of a run as one sample."""
    return Sample(
        label,
        tuple(
            sorted(
                variant.latency_s
                for trial in record.trials
                if trial.role == "trial"
                for variant in trial.variants
                if variant.state == "answered" and variant.latency_s is not None
            )
        ),
    )


def latency_rows(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return a row with the percentiles of each sample, and one of all where they are parts of a whole."""
    parts = [sample for sample in samples if sample.seconds]
    if len(parts) > 1 and all(sample.got is not None for sample in parts):
        parts.append(Sample(_("All answers"), tuple(sorted(_all(parts)))))
    return [
        {
            _("Variants that"): sample.label,
            _("Answers"): len(sample.seconds),
            **{
                name: seconds(nearest_rank(sample.seconds, percent))
                for name, percent in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))
            },
        }
        for sample in parts
    ]


def latency_words(samples: Sequence[Sample]) -> str:
    """Return what a chart of the samples shows, in words."""
    parts = [sample for sample in samples if sample.seconds]
    if not parts:
        return _("No answer yet.")
    return " ".join(
        _(
            "{label}: {answers}, half of them within {half}, the slowest after {slowest}.",
            label=sample.label,
            answers=n_("{count} answer", "{count} answers", len(sample.seconds)),
            half=seconds(nearest_rank(sample.seconds, 50)),
            slowest=seconds(sample.seconds[-1]),
        )
        for sample in parts
    )


def _got(variant: Variant, row: VariantRow, load_ended: float | None) -> Got:
    if any(span.kind == "loading" for span in row.spans):
        return "loaded"
    if load_ended is not None and variant.sent is not None:
        return "reused" if load_ended <= variant.sent else "waited"
    if variant.waited_ms is not None:
        return "reused" if variant.waited_ms < _AT_ONCE_MS else "waited"
    return "untold"


def _label(got: Got) -> str:
    return {
        "loaded": _("Loaded it themselves"),
        "waited": _("Waited for the load"),
        "reused": _("Found it loaded"),
        "untold": _("Were answered"),
    }[got]


def _all(samples: Iterable[Sample]) -> list[float]:
    return [value for sample in samples for value in sample.seconds]
