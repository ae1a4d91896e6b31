"""What a worker writes: read to its end, and given up when the end does not come."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from dashboard.evidence import LogLine
from dashboard.logs import LogRing
from dashboard.targets.capture import Capture
from tests.dashboard.targets.processes import open_files


def nothing(_lines: tuple[LogLine, ...]) -> None:
    """Take lines."""


def test_both_outputs_are_read_to_their_end() -> None:
    ring = LogRing("trial-1")
    capture = Capture(ring, nothing)
    out, err = capture.writing
    os.write(out, b"one\ntwo")
    os.write(err, b"three\n")
    capture.close(30)
    page = ring.read()
    assert page.closed
    assert {(line.stream, line.text) for line in page.lines} == {
        ("stdout", "one"),
        ("stdout", "two"),
        ("stderr", "three"),
    }


def test_an_output_that_somebody_holds_open_is_given_up() -> None:
    ring = LogRing("trial-1")
    capture = Capture(ring, nothing)
    held = os.dup(capture.writing[0])
    os.write(held, b"last words\n")
    try:
        capture.close(0)
        assert capture.wait(0)
        assert [line.text for line in ring.read().lines] == ["last words"]
        with pytest.raises(BrokenPipeError):
            os.write(held, b"nobody reads\n")
    finally:
        os.close(held)


def test_closing_twice_is_closing_once() -> None:
    before = open_files()
    capture = Capture(LogRing("trial-1"), nothing)
    capture.close(30)
    capture.close(30)
    assert open_files() == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sink_that_fails_ends_the_reading_and_the_ring() -> None:
    def fail(_lines: tuple[LogLine, ...]) -> None:
        raise ZeroDivisionError

    before, ring = open_files(), LogRing("trial-1")
    capture = Capture(ring, fail)
    os.write(capture.writing[0], b"one\n")
    assert capture.wait(30)
    capture.close(30)
    assert ring.closed
    assert open_files() == before


def test_without_a_thread_no_pipe_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> Any:
        raise RuntimeError("can't start new thread")

    before = open_files()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        Capture(LogRing("trial-1"), nothing)
    assert open_files() == before
