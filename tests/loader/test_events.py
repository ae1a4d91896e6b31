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
    time=st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC)),
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


LINE = (
    "2026-11-23T07:10:47.123456Z INFO loader Loading LLaVa model "
    "event=started boot=3f9c1a seq=2 load=1 model=m pid=7 thread=variant-3"
)


def test_a_plain_line_is_read() -> None:
    assert parse_line(LINE) is not None  # the honest twin of every line below


@pytest.mark.parametrize(
    ("honest", "hostile"),
    [
        ("seq=2", "seq=-2"),
        ("seq=2", "seq=+2"),
        ("seq=2", "seq=1_0"),
        ("seq=2", "seq=٢"),
        ("seq=2", "seq=nan"),
        ("seq=2", "seq=" + "9" * 16),
        ("load=1", "load=-1"),
        ("load=1", "load=" + "9" * 4000),
        ("pid=7", "pid=" + "9" * 400),
        ("2026-11", "0001-01"),
        ("2026-11-23T07", "9999-12-31T23"),
        ("07:10:47", "07:10:60"),
        ("model=m", "model=" + "m" * 70_000),
        ("variant-3", "variant-3" + "".join(f" x{number}=1" for number in range(20_000))),
        ("model=m", 'model="' + "\\\\" * 40_000),
    ],
)
def test_a_line_that_no_worker_writes_is_none_of_ours(honest: str, hostile: str) -> None:
    assert honest in LINE
    assert parse_line(LINE.replace(honest, hostile)) is None


@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", chr(0xD800), chr(0xDFFF)], ids=ascii)
@pytest.mark.parametrize(("key", "value"), [("model", "m"), ("boot", "3f9c1a"), ("thread", "variant-3")])
def test_half_a_character_is_shown_as_one_that_can_be_written(key: str, value: str, half: str) -> None:
    event = parse_line(LINE.replace(f"{key}={value}", f'{key}="a{half}z"'))
    assert event is not None
    assert getattr(event, key) == "a\ufffdz"


def test_half_a_character_in_the_phrase_is_shown_as_one_that_can_be_written() -> None:
    event = parse_line(LINE.replace("LLaVa", "\ud800"))
    assert event is not None
    assert event.phrase == "Loading \ufffd model"


@given(st.text(st.characters(codec=None), max_size=20))
def test_every_line_can_be_written_as_utf_8(name: str) -> None:
    event = LoadEvent("started", datetime(2026, 11, 23, tzinfo=UTC), "b", 1, name, 1, name)
    format_line(event).encode()


@given(st.text(st.characters(codec=None), max_size=200))
def test_whatever_a_pair_holds_can_be_written_as_utf_8(value: str) -> None:
    event = parse_line(LINE + f' x="{value}"')
    assert event is None or event.fields["x"].encode() is not None
