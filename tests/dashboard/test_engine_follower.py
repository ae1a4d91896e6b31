"""A follow that ends late: it brings the first lines of a container that was started again at once.

A real engine does so only under load (`tests/engine/test_follower.py` has its restarts); here it always does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Follower

Block = tuple[float, str]
LIFE = ContainerFacts("0123", "web", "web:1", "sha256:1", "running")
LONG_S = 60


class Reading:
    """A follow that brings its lines and then goes on in silence until it is closed."""

    broke_off = False

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield from self._lines
        assert self._closed.wait(LONG_S)

    def give_up_after(self, seconds: float) -> None:
        """It never gives up."""

    def close(self) -> None:
        self._closed.set()


class OneFollow:
    """An engine whose first follow brings all lines; `before_second` happens between the first two."""

    clock_ahead_s = 0.0

    def __init__(self, *lines: Block, before_second: Callable[[OneFollow], None]) -> None:
        self.life = replace(LIFE, started_at=time.time() - 100)
        self.looks = 0
        self.fails = False
        self._lines, self._before_second = lines, before_second

    def container(self, name: str) -> ContainerFacts:
        self.looks += 1
        if self.fails:
            raise EngineError("The engine does not answer.")
        return self.life

    def read_log(self, container: ContainerFacts, **how: Any) -> Reading:
        return Reading(self._brought())

    def _brought(self) -> Iterator[bytes]:
        for number, (moment, text) in enumerate(self._lines):
            if number == 1:
                self._before_second(self)
            stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
            body = f"{stamp} {text}\n".encode()
            yield b"\x01\0\0\0" + len(body).to_bytes(4, "big") + body


def shown(engine: Any, lines: int) -> list[str]:
    """What a viewer of the container is shown, once it is so many lines."""
    follower = Follower(engine, engine.life)
    try:
        for _ in range(LONG_S * 100):
            if follower.ring.next >= lines:
                break
            threading.Event().wait(0.01)
        return [line.text for line in follower.ring.read().lines]
    finally:
        follower.close()


def start_again(moment: float) -> Callable[[OneFollow], None]:
    def act(engine: OneFollow) -> None:
        engine.life = replace(engine.life, started_at=moment - 0.01, finished_at=moment - 0.05)

    return act


def stay(engine: OneFollow) -> None:
    """Nothing happens to the container."""


def fail(engine: OneFollow) -> None:
    engine.fails = True


def test_the_first_line_of_another_life_comes_after_the_word_that_it_is_one() -> None:
    now = time.time() + 1
    engine = OneFollow(
        (now, "up"), (now + 0.2, "up"), (now + 0.201, "on"), before_second=start_again(now + 0.2)
    )
    assert shown(engine, 4) == ["up", "web was started again.", "up", "on"]


def test_a_silence_alone_is_no_other_life() -> None:
    now = time.time() + 1
    engine = OneFollow((now, "up"), (now + 5, "still up"), (now + 5.2, "on"), before_second=stay)
    assert shown(engine, 3) == ["up", "still up", "on"]


def test_lines_that_follow_each_other_cost_no_look_at_the_container() -> None:
    now = time.time() + 1
    lines = [(now + number / 100, f"{number}") for number in range(50)]
    engine = OneFollow(*lines, before_second=stay)
    assert shown(engine, 50) == [text for _, text in lines]
    assert engine.looks == 2  # as the follow began, and at the first line


def test_lines_of_before_the_follow_cost_none_either() -> None:
    engine = OneFollow(*((time.time() - 50 + number, "old") for number in range(20)), before_second=stay)
    assert shown(engine, 20) == ["old"] * 20
    assert engine.looks == 1


@pytest.mark.parametrize("gap", [0.2, 5.0])
def test_an_engine_that_does_not_answer_then_takes_no_line_away(gap: float) -> None:
    now = time.time() + 1
    engine = OneFollow((now, "up"), (now + gap, "on"), before_second=fail)
    assert shown(engine, 2) == ["up", "on"]
