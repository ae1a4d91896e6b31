"""Many moments as few: bins that lose none of them, and the moments themselves where there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.bins import Window, binned, counts_over, inside, moments

SERIES = st.lists(st.floats(0, 100, allow_nan=False), max_size=300)


@given(SERIES, st.integers(1, 50), st.floats(0, 60), st.floats(0.001, 60))
def test_bins_hold_every_moment_of_their_window_once(
    values: list[float], most: int, begin: float, width: float
) -> None:
    series, window = moments(values), Window(begin, begin + width)
    bins = binned(series, window, most)
    within = [value for value in values if window.begin <= value <= window.end]
    assert sum(each.count for each in bins) == len(within)
    assert len(bins) <= most
    assert [each.at for each in bins] == sorted(each.at for each in bins)
    assert all(values[each.first] == each.at for each in bins)


def test_a_few_moments_stay_as_they_are() -> None:
    bins = binned(moments([3.0, 1.0, 2.0]), Window(0, 10), 3)
    assert [(each.at, each.first, each.count) for each in bins] == [(1.0, 1, 1), (2.0, 2, 1), (3.0, 0, 1)]


def test_moments_at_one_instant_are_one_bin() -> None:
    assert [each.count for each in binned(moments([1.0] * 9), Window(1.0, 1.0), 4)] == [9]


def test_a_moment_at_the_end_of_a_window_lies_in_it() -> None:
    assert list(inside(moments([1.0, 2.0, 2.1]), Window(1.0, 2.0))) == [0, 1]


@given(SERIES)
def test_counts_over_a_window_add_up(values: list[float]) -> None:
    assert sum(counts_over(moments(values), Window(0, 100), 7)) == len(values)


def test_a_window_holds_and_is_widened() -> None:
    window = Window(1.0, 3.0)
    assert window.widened(0.5) == Window(0.0, 4.0)
    assert window.widened(0.5).holds(window)
    assert not window.holds(window.widened(0.5))
