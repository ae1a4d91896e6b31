"""How often trials fail, and between which bounds: against values that are known from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dashboard.evidence import Colour
from dashboard.failure_rate import failures_of, share


def colours(red: int, green: int, unsure: int = 0) -> Sequence[Colour]:
    return ["green"] * green + ["inconclusive"] * unsure + ["red"] * red


@pytest.mark.parametrize(
    ("trials", "high", "exact"),
    [(50, 0.06, 0.058155), (3, 1.0, 0.631597), (1, 1.0, 0.95), (1000, 0.003, 0.002991)],
)
def test_no_failure_leaves_three_in_n(trials: int, high: float, exact: float) -> None:
    found = failures_of(colours(0, trials))
    assert (found.low, found.high, found.method) == (0.0, pytest.approx(high), "rule of three")
    assert found.exact_high == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(
    ("failed", "trials", "low", "high"),
    # Newcombe 1998, table I, method 3; and all of all
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718), (5, 5, 0.5655, 1.0)],
)
def test_failures_have_the_interval_of_wilson(failed: int, trials: int, low: float, high: float) -> None:
    found = failures_of(colours(failed, trials - failed))
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert found.method == "Wilson"


def test_inconclusive_trials_are_left_out_and_told() -> None:
    found = failures_of(colours(0, 20, 4))
    assert (found.trials, found.left_out, found.high) == (20, 4, 0.15)
    assert found.text == (
        "0 of 20 trials failed: with 95 % confidence at most 15 % do (rule of three; exactly 14 %). "
        "Left out: 4 inconclusive."
    )


def test_too_few_trials_bound_nothing_and_say_so() -> None:
    assert failures_of(colours(0, 2)).text == (
        "0 of 2 trials failed: so few bound nothing; it takes 4 or more (rule of three)."
    )


def test_failures_are_told_with_their_share_and_its_bounds() -> None:
    assert failures_of(colours(3, 17)).text == (
        "3 of 20 trials failed, 15 %: between 5.2 % and 36 % with 95 % confidence (Wilson)."
    )


def test_nothing_is_claimed_of_trials_that_proved_nothing() -> None:
    found = failures_of(colours(0, 0, 5))
    assert (found.trials, found.high) == (0, 1.0)
    assert found.text.startswith("No trial was green or red, so nothing is known of failures.")


@pytest.mark.parametrize(
    ("value", "words"), [(0.15, "15 %"), (0.003, "0.3 %"), (1.0, "100 %"), (0.00031, "0.031 %")]
)
def test_a_share_is_written_as_people_write_it(value: float, words: str) -> None:
    assert share(value) == words
