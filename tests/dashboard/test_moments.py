"""Moments in the words of the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.moments import MomentError, moment

NOW = 1_795_417_847.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("0s", 0)]
)
def test_a_span_is_that_long_ago(text: str, seconds: float) -> None:
    assert moment(text, NOW) == NOW - seconds


def test_a_date_with_a_zone_is_exact() -> None:
    assert moment("2026-11-23T07:10:47Z", NOW) == NOW


def test_unix_seconds_are_taken_as_they_are() -> None:
    assert moment("1795417847.25", NOW) == 1_795_417_847.25


@pytest.mark.parametrize("text", ["", "soon", "5", "m5", "5m3h", "-5m", "2026-13-01", "5 m", "٥m x"])
def test_anything_else_says_what_a_moment_is(text: str) -> None:
    with pytest.raises(MomentError, match="such as 5m"):
        moment(text, NOW)


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    try:
        moment(text, NOW)
    except MomentError:
        return
