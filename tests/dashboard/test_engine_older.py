"""Older lines that cannot be read are told of in the log, and a hanging engine holds up nobody."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.older import OlderLines
from dashboard.engine.records import Record
from dashboard.engine.viewed import ViewedLog
from dashboard.log_range import LogRange
from dashboard.logs import LogRing
from dashboard.spool import Spool

YH = ContainerFacts("1" * 64, "yh", "image", "sha256:1", "running")
PATIENCE_S = 20.0


def frame(second: int, text: str) -> bytes:
    body = f"2026-01-01T00:00:{second:02d}.000000000Z {text}\n".encode()
    return struct.pack(">BxxxL", 1, len(body)) + body


class Recorded:
    """A log as an engine sent it, which may break off or hang in the end."""

    def __init__(self, *frames: bytes, broke_off: bool = False, hangs: bool = False) -> None:
        self._frames, self.broke_off, self._hangs = frames, broke_off, hangs
        self._closed = threading.Event()
        self.reached = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield from self._frames
        self.reached.set()
        if self._hangs:
            self._closed.wait(PATIENCE_S)

    def give_up_after(self, seconds: float) -> None:
        """It is the test that decides."""

    def gather(self) -> None:
        """It comes as it was recorded."""

    def close(self) -> None:
        self._closed.set()


def engine_with(log: Recorded | Exception) -> SimpleNamespace:
    def read_log(*_: object, **__: object) -> Recorded:
        if isinstance(log, Exception):
            raise log
        return log

    return SimpleNamespace(read_log=read_log, clock_ahead_s=0.0, container=lambda name: YH)


def told(older: OlderLines) -> list[tuple[str, str]]:
    while not older.ring.closed:
        assert older.ring.wait(older.ring.next, PATIENCE_S)
    return [(line.stream, line.text) for line in older.ring.read().lines]


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            EngineError("No Docker engine answers at x."),
            "Lines may be missing here: No Docker engine answers",
        ),
        (Recorded(frame(1, "one"), broke_off=True), "Lines may be missing here: The log of yh broke off"),
        (RuntimeError("oh"), "Lines may be missing here: the console failed (RuntimeError: oh)."),
    ],
)
def test_what_went_wrong_is_the_last_line(log: Recorded | Exception, words: str) -> None:
    older = OlderLines(engine_with(log), YH, LogRing("yh"), until=9e9)
    stream, text = told(older)[-1]
    assert stream == "engine"
    assert text.startswith(words)
    assert older.failed
    older.close()


def test_a_seam_that_is_gone_is_told() -> None:
    gone = (Record("stdout", 1767225630 * 10**9, b"gone"),)
    follower = SimpleNamespace(head=lambda: (YH, gone), ring=LogRing("yh"))
    log = Recorded(frame(1, "old"), frame(30, "another"), frame(31, "later"))
    older = OlderLines(engine_with(log), YH, LogRing("yh"), follower=follower)
    first, last = told(older)
    assert first == ("stdout", "old")
    assert "Lines may be missing here, or come twice: the engine of yh has thrown away the place" in last[1]
    older.close()


def test_a_close_ends_a_reading_of_an_engine_that_hangs() -> None:
    log = Recorded(frame(1, "one"), hangs=True)
    older = OlderLines(engine_with(log), YH, LogRing("yh", spool=Spool("yh")), until=9e9)
    assert log.reached.wait(PATIENCE_S)
    older.close()
    older.close()
    assert older.ring.closed
    assert not older.failed


class Log:
    """One container's log over a recorded engine; its follower sees nothing."""

    def __init__(self) -> None:
        self.now = 0.0
        self.viewed = ViewedLog(engine_with(EngineError("away")), YH, None, clock=lambda: self.now)

    def look(self, until: float) -> tuple[object, int]:
        """Look at the log up to a moment, and away; return the reading's ring and its first number."""
        opened = self.viewed.open(LogRange(begin=1.0, until=until))
        start = opened.start()
        assert start is not None
        opened.release()
        opened.release()
        return opened.source, start


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    yield made
    made.viewed.close()


def test_readings_that_nobody_looks_at_are_kept_few_and_not_for_long(log: Log) -> None:
    starts = [log.look(float(until))[1] for until in range(10, 16)]
    with pytest.raises(EngineError, match="not kept any more"):
        log.viewed.open(LogRange(begin=1.0, until=10.0), starts[0])
    log.viewed.open(LogRange(begin=1.0, until=15.0), starts[-1]).release()
    log.now = 1000.0
    with pytest.raises(EngineError, match="not kept any more"):
        log.viewed.open(LogRange(begin=1.0, until=15.0), starts[-1])


def test_a_reading_that_somebody_looks_at_stays(log: Log) -> None:
    opened = log.viewed.open(LogRange(begin=1.0, until=10.0))
    start = opened.start()
    assert start is not None
    for until in range(11, 17):
        log.look(float(until))
    log.now = 1000.0
    log.viewed.open(LogRange(begin=1.0, until=10.0), start).release()
    opened.release()


def test_who_looks_is_counted_once_however_often_he_leaves(log: Log) -> None:
    opened = log.viewed.open(LogRange())
    log.look(5.0)
    log.now = 7.0
    assert log.viewed.idle_s() == 0.0
    opened.release()
    opened.release()
    log.now = 9.0
    assert log.viewed.idle_s() == 2.0
