"""The journal: numbers without holes, one line for each event, nothing lost to a broken stdout."""

from __future__ import annotations

import io
import os
import threading
from typing import TextIO

import pytest

from loader.events import parse_line
from loader.journal import Journal, on_behalf_of, plain
from tests.loader.crowd import Crowd


def tell(journal: Journal, phrase: str = "Model requested") -> None:
    journal.record("requested", model="m", phrase=phrase)


def test_events_are_numbered_without_holes_whoever_records_them(journal: Journal) -> None:
    Crowd(8, lambda: [tell(journal) for _ in range(50)]).join()
    assert [event.seq for event in journal.since(0)] == list(range(1, 401))


def test_every_line_is_whole_when_threads_record_at_once(journal: Journal, printed: io.StringIO) -> None:
    Crowd(8, lambda: [tell(journal) for _ in range(50)]).join()
    parsed = [parse_line(line) for line in printed.getvalue().splitlines()]
    assert [event.seq for event in parsed if event is not None] == list(range(1, 401))


def test_times_never_run_backwards_along_the_numbers(journal: Journal) -> None:
    Crowd(8, lambda: [tell(journal) for _ in range(50)]).join()
    times = [event.time for event in journal.since(0)]
    assert times == sorted(times)


def test_since_gives_the_events_after_a_number(journal: Journal) -> None:
    for _ in range(5):
        tell(journal)
    assert [event.seq for event in journal.since(3)] == [4, 5]


def test_the_ring_keeps_the_newest(printed: io.StringIO) -> None:
    journal = Journal(stream=lambda: printed, keep=3)
    for _ in range(5):
        tell(journal)
    assert [event.seq for event in journal.since(0)] == [3, 4, 5]


def test_a_line_goes_to_the_descriptor_in_one_piece_after_what_was_printed_before() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        stream.write("half a line of somebody else\n")
        tell(Journal(stream=lambda: stream))
    with os.fdopen(reading) as pipe:
        first, second = pipe.read().splitlines()
    assert first == "half a line of somebody else"
    assert parse_line(second) is not None


def broken_pipe() -> TextIO:
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w")


def closed() -> TextIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [broken_pipe, closed, lambda: None], ids=["broken pipe", "closed", "none"])
def test_a_stdout_that_takes_nothing_fails_no_load(make: object) -> None:
    stream = make()  # type: ignore[operator]
    journal = Journal(stream=lambda: stream)
    tell(journal)
    assert journal.seq == 1
    if stream is not None:
        stream.close()


def test_a_caller_is_named_where_there_is_one(journal: Journal) -> None:
    with on_behalf_of("variant-3"):
        tell(journal)
    tell(journal)
    assert [event.thread for event in journal.since(0)] == ["variant-3", threading.current_thread().name]


def test_a_name_can_forge_neither_line_nor_pair(journal: Journal, printed: io.StringIO) -> None:
    name = 'evil\nevent=completed load=9 \x85\u2028 "quoted" back\\slash'
    journal.record("started", model=name, phrase=f"Loading model {name}")
    (line,) = printed.getvalue().split("\n")[:-1]
    event = parse_line(line)
    assert event is not None
    assert (event.kind, event.model, event.load) == ("started", name, None)


def test_a_phrase_is_made_plain_and_bounded() -> None:
    assert plain('a=b "c"\n' + "d" * 300) == "a b  c  " + "d" * 192


def test_load_numbers_are_used_once(journal: Journal) -> None:
    numbers = Crowd(8, lambda: [journal.next_load() for _ in range(50)]).join()
    assert sorted(number for some in numbers for number in some) == list(range(1, 401))
