"""What is more than noise: the exact numbers of the textbooks, and what chance does in fact."""

from __future__ import annotations

import itertools
import random

import pytest

from dashboard.noise import FEWEST, Shift, _ways, chance_of_more, shift_between


def test_the_distribution_is_that_of_all_orders() -> None:
    for one, other in ((1, 1), (2, 3), (4, 4), (5, 2)):
        counted = [0] * (one * other + 1)
        for places in itertools.combinations(range(one + other), one):
            counted[sum(place - rank for rank, place in enumerate(places))] += 1
        assert _ways(one, other) == counted


def test_three_trials_each_tell_no_interval_and_four_do() -> None:
    assert shift_between([1.0, 1.1, 1.2], [9.0, 9.1, 9.2]) == Shift(pytest.approx(8.27, abs=0.01))
    assert FEWEST == 4
    shift = shift_between([1.0, 1.0, 1.1, 1.1], [2.0, 2.0, 2.2, 2.2])
    assert shift is not None
    assert shift.ratio == pytest.approx(2.0)
    assert shift.beyond_noise


@pytest.mark.parametrize(
    ("one", "other", "critical"),
    [(4, 4, 0), (5, 5, 2), (8, 8, 13), (10, 10, 23), (20, 20, 127), (4, 10, 5)],
)
def test_the_interval_leaves_out_what_the_tables_of_mann_and_whitney_leave_out(
    one: int, other: int, critical: int
) -> None:
    shift = shift_between([1.0] * one, [float(place) for place in range(1, other + 1)])
    assert shift is not None
    ratios = sorted(float(place) for place in range(1, other + 1) for _ in range(one))
    assert (shift.low, shift.high) == (ratios[critical], ratios[-critical - 1])


@pytest.mark.parametrize("trials", [5, 40])
def test_of_twins_hardly_one_in_twenty_is_taken_for_a_change(trials: int) -> None:
    chance = random.Random(7)
    found = 0
    for _ in range(400):
        sides = [[chance.lognormvariate(0, 0.3) for _ in range(trials)] for _ in range(2)]
        shift = shift_between(*sides)
        found += shift is not None and shift.beyond_noise
    assert 2 <= found <= 34  # 8.5 %: five standard deviations above 5 %


@pytest.mark.parametrize("sides", [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0])])
def test_nothing_to_compare_is_none(sides: tuple[list[float], list[float]]) -> None:
    assert shift_between(*sides) is None


def test_the_tea_is_tasted_right() -> None:
    assert chance_of_more(1, 4, 3, 4) == pytest.approx(17 / 70)
    assert chance_of_more(0, 4, 4, 4) == pytest.approx(1 / 70)
    assert chance_of_more(0, 5, 0, 5) == 1.0
    assert chance_of_more(5, 5, 0, 5) == 1.0
