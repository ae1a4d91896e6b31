"""A part of a log is what somebody typed, or it is an error in words."""

from datetime import timedelta, timezone

import pytest

from dashboard.log_range import LogRange, RangeError, chosen_moment, chosen_tail

NOW = 1_763_881_847.0  # 2025-11-23T07:10:47Z
SEOUL = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    "wanted",
    [
        LogRange(),
        LogRange(begin=1763881847.123456),
        LogRange(begin=1.0, until=2.5, log="ab12"),
        LogRange(tail=20),
        LogRange(at=1763881847.000001),
    ],
)
def test_a_range_comes_through_an_address_unchanged(wanted):
    assert LogRange.read(wanted.wire()) == wanted


def test_the_default_adds_nothing_to_an_address():
    assert LogRange().wire() == {}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"begin": "5m"}, "no time in Unix seconds"),
        ({"until": "١"}, "no time in Unix seconds"),
        ({"at": "-1"}, "no time in Unix seconds"),
        ({"begin": "nan"}, "no time in Unix seconds"),
        ({"tail": "many"}, "no number of lines"),
        ({"tail": "0"}, "from 1 to 10,000,000"),
        ({"tail": "9" * 30}, "no number of lines"),
        ({"begin": "2", "until": "1"}, "ends before it begins"),
    ],
)
def test_what_is_no_range_is_refused_in_words(query, words):
    with pytest.raises(RangeError, match=words):
        LogRange.read(query)


def test_a_number_of_lines_may_be_written_as_people_do():
    assert chosen_tail(" 50,000 ") == 50_000


@pytest.mark.parametrize(
    ("text", "zone", "found"),
    [
        ("5m", None, NOW - 300),
        ("1h30m", SEOUL, NOW - 5400),
        ("2025-11-23T07:00:00Z", SEOUL, NOW - 647),
        ("2025-11-23T16:00:00", SEOUL, NOW - 647),
        ("2025-11-23 16:00", SEOUL, NOW - 647),
        ("1763881800.5", SEOUL, NOW - 46.5),
    ],
)
def test_a_moment_is_a_span_a_date_or_unix_seconds(text, zone, found):
    assert chosen_moment(text, NOW, zone) == found


@pytest.mark.parametrize("text", ["yesterday", "", "25:99", "10:30"])
def test_what_is_no_moment_is_refused_with_what_would_be(text):
    with pytest.raises(RangeError, match="Give a span such as 5m"):
        chosen_moment(text, NOW)


def test_a_moment_that_has_not_come_is_refused():
    with pytest.raises(RangeError, match="has not come yet"):
        chosen_moment("2025-11-24T07:00:00Z", NOW)
