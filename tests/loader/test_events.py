"""The event line: what is written is what is read, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.events import LoadEvent, format_line, parse_line

TEXT = st.text(max_size=60)
EVENTS = st.builds(
    LoadEvent,
    kind=st.sampled_from(["requested", "started", "progress", "completed", "meta_tensor_error", "released"]),
    time=st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)),
    boot=TEXT,
    seq=st.integers(0, 10**9),
    model=TEXT,
    pid=st.integers(0, 10**7),
    thread=TEXT,
    load=st.none() | st.integers(0, 10**6),
    level=st.sampled_from(["INFO", "WARNING", "ERROR"]),
    phrase=st.from_regex(r"[A-Za-z0-9/#.]+( [A-Za-z0-9/#.]+)*", fullmatch=True),
    fields=st.dictionaries(st.from_regex(r"x_[a-z_0-9]{0,8}", fullmatch=True), TEXT, max_size=4),
)


@given(EVENTS)
def test_what_is_written_is_what_is_read(event: LoadEvent) -> None:
    assert parse_line(format_line(event)) == event


@given(EVENTS)
def test_an_event_is_one_line_for_every_reader(event: LoadEvent) -> None:
    assert len(format_line(event).splitlines()) == 1


@given(EVENTS, st.text(min_size=1, max_size=5).filter(lambda text: text.strip("\r\n") != ""))
def test_a_line_that_only_quotes_one_of_ours_is_none_of_ours(event: LoadEvent, before: str) -> None:
    assert parse_line(before + "| " + format_line(event)) is None


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    parse_line(text)


@pytest.mark.parametrize("phrase", ["a=b", 'say "hello"', "two\nlines", "back\\slash"])
def test_a_phrase_that_could_be_taken_for_a_pair_is_refused(phrase: str) -> None:
    event = LoadEvent("started", datetime.now(UTC), "b", 1, "m", 1, "t", phrase=phrase)
    with pytest.raises(ValueError, match="may hold no '=', quote or control character"):
        format_line(event)
