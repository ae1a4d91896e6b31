"""A comparison of two runs in words for the terminal, and as the JSON of `history compare`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import click

from dashboard.comparison import Comparison, Difference, Measure, Outcome
from dashboard.printable import as_it_is, printable
from dashboard.summary import badge, wrapped
from dashboard.wording import plural, seconds, settings_title, when

__all__ = [
    "comparison_json",
    "comparison_lines",
    "count_rows",
    "difference_rows",
    "measure_rows",
    "outcome_words",
]

_ICONS: Final[dict[Outcome, str]] = {"worse": "✕", "not_worse": "✓", "unproven": "?"}
_WORDS: Final[dict[Outcome, str]] = {
    "worse": "Worse than before",
    "not_worse": "Not worse than before",
    "unproven": "Nothing is worse, and nothing is proven",
}
_COUNTS: Final[Mapping[str, str]] = {
    "load_started": "Load starts",
    "load_completed": "Load completions",
    "load_failed": "Failed loads",
    "progress_messages": "Progress messages",
    "meta_tensor_errors": "Meta tensor errors",
    "unique_models": "Unique models",
    "workers": "Workers",
    "variants": "Variants",
    "variants_ok": "Variants answered",
    "contended": "In flight during the load",
}
_COLOURS: Final[dict[Outcome, str]] = {"worse": "red", "not_worse": "green", "unproven": "yellow"}


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the lines that tell a comparison, for a terminal."""
    yield click.style(_headline(comparison.outcome), fg=_COLOURS[comparison.outcome], bold=True)
    for number, reason in enumerate(comparison.regressions):
        yield from wrapped("" if number else "Why", f"{printable(reason.text)} [{reason.code}]")
    sides = (comparison.before, comparison.after)
    for label, record, verdict, trials, failed in zip(
        ("Before", "After"), sides, comparison.verdicts, comparison.trials, comparison.failed, strict=True
    ):
        yield f"  {label.ljust(10)}{record.run_id}  {badge(verdict.verdict)}"
        red = f", {failed:,} red" if failed else ""
        yield from wrapped(
            "",
            f"{settings_title(record.settings)}; {when(record.created_at)}; {plural(trials, 'trial')}{red}",
        )
    changed = [each for each in comparison.counts if each.before != each.after]
    yield from wrapped("Counts", ", ".join(map(_change, changed)) or "as before")
    for measure in comparison.measures:
        if measure.before is not None or measure.after is not None:
            yield from wrapped(measure.label, _measured(measure), width=20)
    for label, differences in (("Versions", comparison.versions), ("Settings", comparison.settings)):
        if differences:
            yield from wrapped(label, printable(", ".join(map(_change, differences))))
    for remark in comparison.remarks:
        yield from wrapped("Note", printable(remark))


def outcome_words(comparison: Comparison) -> Iterator[str]:
    """Yield the outcome as a heading in Markdown, and each regression."""
    yield f"**{_headline(comparison.outcome)}**"
    for reason in comparison.regressions:
        yield as_it_is(reason.text)


def count_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each count; what has changed is marked."""
    return [
        {
            "Count": _COUNTS[each.name],
            "Before": each.before,
            "After": each.after,
            "Changed": "≠" if each.before != each.after else "=",
        }
        for each in comparison.counts
    ]


def measure_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each measure that either run has."""
    return [
        {"What": each.label, "Medians of the trials, and whether they differ": _measured(each)}
        for each in comparison.measures
        if each.before is not None or each.after is not None
    ]


def difference_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each version and setting that is not the same."""
    return [
        {"What": each.name.replace("_", " "), "Before": _side(each.before), "After": _side(each.after)}
        for each in (*comparison.versions, *comparison.settings)
    ]


def _headline(outcome: Outcome) -> str:
    return f"{_ICONS[outcome]} {_WORDS[outcome]}"


def _measured(measure: Measure) -> str:
    told = f"{seconds(measure.before)} → {seconds(measure.after)}"
    shift = measure.shift
    if shift is None:
        return told
    told += f", {shift.ratio:.2f} ×"
    if shift.low is None or shift.high is None:
        return f"{told}; too few trials to tell from noise"
    noise = "more than noise" if shift.beyond_noise else "within noise"
    return f"{told} (95%: {shift.low:.2f} to {shift.high:.2f}), {noise}"


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return the object of `history compare --json`; `regression` decides the exit code."""
    one, other = comparison.verdicts
    return {
        "outcome": comparison.outcome,
        "regression": comparison.outcome == "worse",
        "reasons": [asdict(reason) for reason in comparison.regressions],
        "remarks": list(comparison.remarks),
        "before": {"run_id": comparison.before.run_id, "verdict": one.verdict},
        "after": {"run_id": comparison.after.run_id, "verdict": other.verdict},
        "trials": _pair(*comparison.trials),
        "failed": _pair(*comparison.failed),
        "counts": {each.name: _pair(each.before, each.after) for each in comparison.counts},
        "seconds": {
            each.code: _pair(each.before, each.after)
            | (
                {"ratio": None, "low": None, "high": None, "beyond_noise": None}
                if each.shift is None
                else asdict(each.shift) | {"beyond_noise": each.shift.beyond_noise}
            )
            for each in comparison.measures
        },
        "versions": {each.name: _pair(each.before, each.after) for each in comparison.versions},
        "settings": {each.name: _pair(each.before, each.after) for each in comparison.settings},
    }


def _pair(before: object, after: object) -> dict[str, object]:
    return {"before": before, "after": after}


def _change(difference: Difference) -> str:
    name = difference.name.replace("_", " ")
    return f"{name} {_side(difference.before)} → {_side(difference.after)}"


def _side(value: object) -> str:
    return "none" if value is None else str(value)
