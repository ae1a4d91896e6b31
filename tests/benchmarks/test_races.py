"""Real races, fewer than the benchmark's: the guarded ones all succeed where the unguarded fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.figures import Report
from benchmarks.fresh_process import run_fresh
from benchmarks.races import _race, bounds, run

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def report(demo_home: Path) -> Report:
    return run(loads=24, wrong_processes=4)


@pytest.mark.slow
def test_no_guarded_load_fails(report: Report) -> None:
    assert report.rows[0].note.startswith("0 of 24 loads failed")
    assert "0 of 3 processes had a failure, 0 stayed poisoned" in report.rows[0].note


@pytest.mark.slow
@pytest.mark.parametrize("row", [1, 2])
def test_the_same_loads_fail_without_the_gate(report: Report, row: int) -> None:
    # 94 of 100 fail: that all of eight succeed by chance need not be feared
    assert report.rows[row].value


def test_a_model_that_differs_from_its_files_is_a_failure(demo_checkpoint: Path) -> None:
    folders = (str(demo_checkpoint), f"{demo_checkpoint}/")
    tally = run_fresh(_race, "one gate", folders, ("another digest", "another digest"), 2, 1).value
    assert (tally.loads, tally.failed) == (2, 2)


def test_bounds_of_no_failure_in_a_thousand() -> None:
    low, high = bounds(0, 1000)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.025 ** (1 / 1000))


def test_bounds_of_failures_only_mirror_those_of_none() -> None:
    low, high = bounds(40, 40)
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 40))


def test_bounds_in_between_are_the_known_ones() -> None:
    # As R's binom.test(38, 40) prints them
    assert bounds(38, 40) == pytest.approx((0.8308, 0.9939), abs=5e-5)
