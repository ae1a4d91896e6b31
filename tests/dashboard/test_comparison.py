"""Two runs compared: what is worse is told, what is noise is not, and what cannot be compared is said."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest

from dashboard.comparison import Comparison, NotComparable, compare
from dashboard.comparison_words import comparison_lines, measure_rows
from dashboard.record import RunRecord
from tests.dashboard import sample_records as sample


def with_seconds(record: RunRecord, *loads: float) -> RunRecord:
    """The run, with a load of so many seconds in each trial; its variants wait for it."""
    trials = []
    for trial, load in zip(record.trials, loads, strict=False):
        events = tuple(replace(event, fields={"seconds": str(load)}) for event in trial.events)
        variants = tuple(replace(each, answered=(each.sent or 0) + load) for each in trial.variants)
        trials.append(replace(trial, events=events, variants=variants))
    return replace(record, trials=tuple(trials))


def five(*loads: float) -> RunRecord:
    return with_seconds(sample.run(*["green"] * 5), *loads)


def codes(comparison: Comparison) -> list[str]:
    return [reason.code for reason in comparison.regressions]


def text(comparison: Comparison) -> str:
    return click.unstyle("\n".join(comparison_lines(comparison)))


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ("green", "green", "not_worse"),
        ("green", "red", "worse"),
        ("green", "inconclusive", "worse"),
        ("inconclusive", "red", "worse"),
        ("red", "green", "not_worse"),
        ("red", "red", "not_worse"),
        ("red", "inconclusive", "unproven"),
        ("inconclusive", "inconclusive", "unproven"),
        ("inconclusive", "green", "not_worse"),
    ],
)
def test_a_worse_verdict_is_a_regression(before: str, after: str, outcome: str) -> None:
    found = compare(sample.run(before), sample.run(after))  # type: ignore[arg-type]  # colours
    assert found.outcome == outcome
    assert codes(found) == (["verdict_worse"] if outcome == "worse" else [])


def test_a_regression_says_what_is_wrong_now() -> None:
    told = text(compare(sample.run("green"), sample.run("red")))
    assert told.startswith("✕ Worse than before")
    assert "The verdict was green and is red now: Two loads <overlapped> & failed." in told
    assert "load started 1 → 3" in told


def test_a_run_is_as_good_as_itself() -> None:
    found = compare(five(1, 2, 3, 4, 5), five(1, 2, 3, 4, 5))
    assert found.outcome == "not_worse"
    assert "Counts    as before" in text(found)
    assert "within noise" in text(found)


def test_a_slower_run_is_a_regression_where_it_is_more_than_noise() -> None:
    found = compare(five(1.0, 1.1, 1.0, 1.1, 1.2), five(2.0, 2.2, 2.1, 2.1, 2.4))
    assert codes(found) == ["slower"] * 4
    assert found.regressions[0].text.startswith("Load: 2.00 times as long as before (95%: 1.")
    assert compare(five(2.0, 2.2, 2.1, 2.1, 2.4), five(1.0, 1.1, 1.0, 1.1, 1.2)).outcome == "not_worse"


def test_noise_is_no_regression() -> None:
    found = compare(five(1.0, 3.0, 1.5, 2.0, 1.2), five(1.6, 2.9, 1.4, 2.6, 1.1))
    assert found.outcome == "not_worse"
    assert "within noise" in text(found)


def test_what_is_slower_by_less_than_is_allowed_is_no_regression() -> None:
    before, after = five(1.00, 1.01, 1.02, 1.03, 1.04), five(1.06, 1.07, 1.08, 1.09, 1.10)
    assert compare(before, after).outcome == "not_worse"
    assert codes(compare(before, after, tolerance=0.05)) == ["slower"] * 4


def test_one_trial_each_tells_no_noise_and_says_so() -> None:
    found = compare(with_seconds(sample.run("green"), 1.0), with_seconds(sample.run("green"), 9.0))
    assert found.outcome == "not_worse"
    assert "too few trials to tell from noise" in text(found)
    assert "Launch both with --repeat 4 or more." in found.remarks[0]


def test_seconds_of_runs_that_were_launched_differently_are_not_judged() -> None:
    after = five(9, 9, 9, 9, 9)
    after = replace(after, settings=replace(after.settings, variants_per_job=50))
    found = compare(five(1, 1, 1, 1, 1), after)
    assert found.outcome == "not_worse"
    assert "launched differently (variants_per_job 3 and 50)" in found.remarks[0]
    load = next(row for row in measure_rows(found) if row["What"] == "Load")
    assert list(load.values()) == ["Load", "1.00 s → 9.00 s"]  # no word of noise, where nothing is compared


def test_a_red_run_that_fails_far_more_often_is_a_regression() -> None:
    rarely = sample.run(*["red"] * 1, *["green"] * 9)
    often = sample.run(*["red"] * 8, *["green"] * 2)
    found = compare(rarely, often)
    assert codes(found) == ["fails_more"]
    assert found.regressions[0].text.startswith("8 of 10 trials went red, 1 of 10 before")
    assert compare(often, rarely).outcome == "not_worse"
    assert "Both runs are red" in found.remarks[-1]


def test_versions_that_changed_are_told_and_those_that_did_not_are_not() -> None:
    after = replace(sample.run("green"), versions={"python": "3.11", "transformers": "5.24.0", "torch": "3"})
    told = text(compare(sample.run("green"), after))
    assert "transformers 5.23.0 → 5.24.0, torch none → 3" in told
    assert "python" not in told


def test_a_run_under_way_is_not_compared() -> None:
    running = replace(sample.run("green", run_id="20261123-running"), status="running", verdict=None)
    with pytest.raises(NotComparable, match="20261123-running is still under way"):
        compare(sample.run("green"), running)


def test_a_run_that_was_never_made_is_no_proof() -> None:
    failed = replace(sample.run("green"), status="failed", verdict=None, trials=(), message="No space left.")
    found = compare(sample.run("green"), failed)
    assert found.outcome == "worse"
    assert "No space left." in found.regressions[0].text
    assert found.measures[0].after is None
