"""What may be said of measurements, and what not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.figures import Row, interleaved, measured, median_interval, ratios


def compared(own: list[float], peer: list[float], target: float) -> Row:
    return measured("ours", "s", own, peer=("theirs", peer), target=target)


def test_a_ratio_is_taken_within_each_round() -> None:
    assert ratios([2.0, 20.0], [1.0, 10.0]) == [2.0, 2.0]


def test_the_interval_holds_the_median_and_grows_with_the_spread() -> None:
    calm, wild = median_interval([1.0, 1.01, 0.99] * 5), median_interval([1.0, 1.5, 0.5] * 5)
    assert calm.low <= calm.median <= calm.high
    assert wild.high - wild.low > calm.high - calm.low


def test_the_same_measurements_give_the_same_interval() -> None:
    assert median_interval([1.0, 1.2, 0.9]) == median_interval([1.0, 1.2, 0.9])


def test_no_measurements_have_no_median() -> None:
    with pytest.raises(ValueError, match="Measure at least one round"):
        median_interval([])


def test_a_target_is_met_when_the_whole_interval_is_under_it() -> None:
    assert compared([1.0] * 9, [1.0] * 9, 1.02).standing == "met"


def test_a_target_is_missed_when_the_whole_interval_is_over_it() -> None:
    row = compared([1.1] * 9, [1.0] * 9, 1.02)
    assert row.standing == "missed"
    assert row.remark == ""


def test_an_interval_across_the_target_is_said_to_be_noise() -> None:
    row = compared([0.9, 1.0, 1.2] * 3, [1.0] * 9, 1.02)
    assert row.standing == "within noise"
    assert "the noise is larger than the claim: the interval goes from 0.900 to 1.200" in row.remark


def test_of_a_few_rounds_nothing_is_claimed() -> None:
    assert compared([0.5] * 5, [1.0] * 5, 1.02).standing == "too few rounds"
    assert compared([0.5] * 6, [1.0] * 6, 1.02).standing == "met"


def test_a_value_without_a_peer_is_held_to_the_target_itself() -> None:
    assert measured("import", "ms", [60.0, 70.0], target=50.0).standing == "missed"
    assert measured("import", "ms", [10.0], target=50.0).standing == "met"


def test_a_skipped_row_has_no_standing() -> None:
    assert Row("unguarded", None, "s", target=1.0, note="Skipped").standing == "no target"


def test_each_measure_is_taken_once_a_round_and_the_first_round_does_not_count() -> None:
    taken: list[str] = []

    def measure(name: str) -> Callable[[], int]:
        def take() -> int:
            taken.append(name)
            return len(taken)

        return take

    found = interleaved({name: measure(name) for name in "abc"}, 4)
    assert {name: len(values) for name, values in found.items()} == {"a": 4, "b": 4, "c": 4}
    assert all(sorted(taken[at : at + 3]) == ["a", "b", "c"] for at in range(0, 15, 3))
    assert min(min(values) for values in found.values()) > 3
