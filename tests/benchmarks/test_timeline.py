"""The benchmark of the Timeline page, on a run of a few events."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as command
from benchmarks import timeline


@pytest.mark.browser
@pytest.mark.slow
def test_opening_a_rerun_and_an_update_are_measured_beside_their_targets() -> None:
    report = timeline.run(rounds=1, variants=30, events=300, seconds=3)
    targets = {row.unit: row.target for row in report.rows if row.target is not None}
    assert targets == {"s": 2.0, "ms": 150.0, "kB": 20.0}
    assert all(row.value is not None and row.value > 0 for row in report.rows)


def test_the_run_that_is_measured_holds_what_it_says() -> None:
    trial = timeline.recorded_run("20261123-080000-bench1", 30, 300, 1000.0).trials[0]
    kinds = [event.kind for event in trial.events]
    assert (len(trial.variants), len(kinds)) == (30, 300)
    assert (kinds.count("started"), kinds.count("completed"), kinds.count("progress")) == (1, 1, 269)


def test_it_can_be_asked_for_by_its_name() -> None:
    assert timeline.NAME in command.ON_REQUEST
