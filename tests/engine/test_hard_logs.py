"""Logs that are hard to follow: a flood, a freeze, a kill in the middle, endless lines, no encoding."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.follower import Follower
from dashboard.evidence import LogLine
from tests.engine.conftest import Containers
from tests.engine.private_engine import until

FLOOD = 1_000_000
COUNTER = """
import sys, time
for n in range({total}):
    sys.stdout.write(f"line {{n:07d}}\\n")
    if {rate} and n % 10 == 9:
        sys.stdout.flush()
        time.sleep(10 / {rate})
sys.stdout.flush()
print("the end", flush=True)
time.sleep(600)
"""


class Counted:
    """Takes a follower's lines as they come, and keeps only what is wrong with them."""

    def __init__(self) -> None:
        self.expected = 0
        self.wrong: list[str] = []
        self.ended = threading.Event()

    def __call__(self, lines: tuple[LogLine, ...]) -> None:
        for line in lines:
            if line.text == f"line {self.expected:07d}":
                self.expected += 1
            elif line.text == "the end":
                self.ended.set()
            elif len(self.wrong) < 5:
                self.wrong.append(f"{line.text!r} where line {self.expected:07d} was due")


@pytest.fixture
def follow(engine: Engine) -> Iterator[Callable[..., Follower]]:
    open_: list[Follower] = []

    def begin(container: object, **options: object) -> Follower:
        open_.append(Follower(engine, container, **options))
        return open_[-1]

    yield begin
    for follower in open_:
        follower.close()


def texts(follower: Follower) -> list[str]:
    """The container's own lines, without the console's words between them."""
    return [line.text for line in follower.ring.read(limit=1_000_000).lines if line.stream != "engine"]


@pytest.mark.slow
def test_a_million_lines_at_once_are_all_taken_in_order(
    containers: Containers, follow: Callable[..., Follower]
) -> None:
    counted = Counted()
    follower = follow(containers.run("python3", "-c", COUNTER.format(total=FLOOD, rate=0)), sink=counted)
    until(counted.ended.is_set, 150)
    assert (counted.expected, counted.wrong) == (FLOOD, [])
    assert follower.gaps() == ()


def test_a_container_that_is_paused_goes_on_where_it_was(
    containers: Containers, follow: Callable[..., Follower]
) -> None:
    counted = Counted()
    container = containers.run("python3", "-c", COUNTER.format(total=3000, rate=1000))
    follower = follow(container, sink=counted)
    until(lambda: counted.expected > 500, 30)
    assert containers.private.client("pause", container.name).returncode == 0
    held = counted.expected
    until(lambda: not follower.ring.wait(follower.ring.next, 0.5), 30)  # what was on its way has arrived
    assert held <= counted.expected < 3000
    containers.private.client("unpause", container.name)
    until(counted.ended.is_set, 30)
    assert (counted.expected, counted.wrong) == (3000, [])
    assert all(line.stream != "engine" for line in follower.ring.read(limit=1_000_000).lines)


def test_a_container_that_is_killed_in_the_middle_has_shown_every_line_that_the_engine_kept(
    containers: Containers, follow: Callable[..., Follower]
) -> None:
    container = containers.run("python3", "-c", COUNTER.format(total=100_000, rate=1000))
    follower = follow(container)
    until(lambda: follower.ring.next > 1000, 30)
    containers.private.client("kill", "--signal", "KILL", container.name)
    until(lambda: follower.following.state == "stopped", 30)
    kept = containers.private.client("logs", container.name).stdout.splitlines()
    assert texts(follower) == kept
    assert follower.gaps() == ()


def test_a_line_of_300_kilobytes_is_one_line(containers: Containers, follow: Callable[..., Follower]) -> None:
    script = (
        "import random, sys, time\n"
        "print(''.join(random.Random(7).choices('abcdefgh', k=300_000)), flush=True)\n"
        "print('to stderr ' + 'y' * 300_000, file=sys.stderr, flush=True)\n"
        "print('after', flush=True); time.sleep(600)"
    )
    follower = follow(containers.python(script))
    until(lambda: len(texts(follower)) >= 3, 30)
    draw = random.Random(7)
    expected = "".join(draw.choices("abcdefgh", k=300_000))
    found = {hashlib.sha256(text.encode()).hexdigest() for text in texts(follower)}
    wanted = (expected, "to stderr " + "y" * 300_000, "after")
    assert found == {hashlib.sha256(text.encode()).hexdigest() for text in wanted}


def test_bytes_that_are_no_utf_8_are_shown_and_lose_no_line(
    containers: Containers, follow: Callable[..., Follower]
) -> None:
    script = (
        "import sys, time; out = sys.stdout.buffer\n"
        "out.write('모델 로딩\\n'.encode('euc-kr'))\n"
        "out.write(b'\\xff\\xfe broken \\x80\\n\\n')\n"
        "out.write('모델 로딩 완료\\n'.encode()); out.flush(); time.sleep(600)"
    )
    follower = follow(containers.python(script))
    until(lambda: "모델 로딩 완료" in texts(follower), 30)
    first, broken, empty, whole = texts(follower)
    assert "\ufffd" in first
    assert broken == "\ufffd\ufffd broken \ufffd"
    assert (empty, whole) == ("", "모델 로딩 완료")


def test_a_container_that_is_removed_in_the_middle_is_told_and_its_lines_stay(
    containers: Containers, follow: Callable[..., Follower]
) -> None:
    container = containers.run("python3", "-c", COUNTER.format(total=100_000, rate=1000))
    follower = follow(container)
    until(lambda: follower.ring.next > 500, 30)
    containers.private.client("rm", "-f", container.name)
    until(lambda: follower.following.state == "gone", 30)
    assert f"no container {container.name} any more" in follower.following.text
    shown = texts(follower)
    assert shown == [f"line {n:07d}" for n in range(len(shown))]
    assert len(shown) > 500
