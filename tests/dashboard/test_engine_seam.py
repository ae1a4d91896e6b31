"""Older lines end exactly where the followed ones begin, whatever their stamps are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.engine.records import Record
from dashboard.engine.seam import Seam

MS = 1_000_000


def record(nanos, text="x", stream="stdout"):
    return Record(stream, nanos, text.encode())


def older(head, read):
    seam = Seam(head)
    found = [one for each in read for one in seam.feed(each)]
    found += seam.finish()
    return found, seam.found


@given(st.lists(st.integers(0, 60), min_size=1, max_size=200), st.data())
def test_no_line_is_lost_and_none_comes_twice(steps, data):
    """Stamps that repeat and go back by milliseconds; each line with a text of its own."""
    at, log = 1_000_000_000_000, []
    for number, step in enumerate(steps):
        at += step * MS
        log.append(record(at - (number % 3) * 5 * MS, f"line {number}"))
    begin = data.draw(st.integers(0, len(log) - 1))
    followed = log[begin:]
    head = followed[: data.draw(st.integers(1, 10))]
    assert older(head, log) == (log[:begin], True)


@given(st.integers(0, 20), st.integers(1, 20))
def test_equal_lines_with_one_stamp_are_counted(before, after):
    log = [record(5)] * (before + after)
    assert older(log[before:], log) == (log[:before], True)


@given(st.integers(0, 20), st.integers(1, 20))
def test_equal_lines_are_told_by_what_follows_them(before, after):
    log = [*[record(5)] * (before + after), record(6, "y"), record(7, "z")]
    head = [*[record(5)] * after, record(6, "y")]
    assert older(head, log) == (log[:before], True)


def test_the_seam_is_looked_for_no_further_than_needed():
    seam = Seam([record(5), record(6)])
    list(seam.feed(record(5)))
    list(seam.feed(record(6)))
    assert not seam.over
    list(seam.feed(record(6 + 101 * MS)))
    assert seam.over


def test_a_line_that_a_follower_saw_only_the_end_of_is_whole_in_two_parts():
    log = [record(1, "before"), record(5, "begun and ended"), record(9, "after")]
    head = [record(5, " and ended"), record(9, "after")]
    assert older(head, log) == ([record(1, "before"), record(5, "begun")], True)


def test_the_same_words_on_the_other_stream_are_another_line():
    log = [record(5, "x", "stderr"), record(5, "x")]
    assert older([record(5, "x")], log) == ([record(5, "x", "stderr")], True)


def test_a_place_that_is_gone_is_told_and_what_is_surely_older_is_kept():
    head = [record(50, "gone"), record(60, "also")]
    assert older(head, [record(10), record(60, "also")]) == ([record(10)], False)


@pytest.mark.parametrize("nanos", [5, None])
def test_a_log_in_which_nothing_is_older(nanos):
    head = [record(nanos, "first")]
    assert older(head, head) == ([], True)
