"""The log follower against a real engine: nothing lost and nothing twice, whatever happens to either end."""

from __future__ import annotations

import pytest

from benchmarks.containers import COUNTER
from dashboard.engine.connection import Engine
from dashboard.engine.follower import Follower
from tests.engine.conftest import Containers
from tests.engine.private_engine import until


def numbers(follower: Follower) -> list[int]:
    """The numbers of the lines that were shown."""
    shown = follower.ring.read(limit=1_000_000).lines
    return [int(line.text[5:12]) for line in shown if line.text.startswith("line ")]


def last(follower: Follower) -> str:
    lines = follower.ring.read(max(0, follower.ring.next - 1)).lines
    return lines[-1].text if lines else ""


@pytest.fixture
def follow(engine: Engine):
    open_: list[Follower] = []

    def begin(container, **options) -> Follower:
        open_.append(Follower(engine, container, **options))
        return open_[-1]

    yield begin
    for follower in open_:
        follower.close()


def test_it_shows_every_line_once_over_daemon_kills(containers: Containers, follow) -> None:
    container = containers.python(COUNTER.format(lines=6000, rate=1000))
    follower = follow(container)
    for milestone in (500, 1800, 3000, 4200, 5000):
        until(lambda at=milestone: follower.ring.next > at, 30)
        containers.private.crash()
        containers.private.revive()
    until(lambda: last(follower) == "the end", 60)
    # A daemon that is killed may take along what it had read from the container and not yet written
    kept = containers.private.client("logs", container.name)
    expected = [int(line[5:12]) for line in (kept.stdout + kept.stderr).splitlines() if line[:5] == "line "]
    assert len(expected) > 5900
    assert sorted(numbers(follower)) == sorted(expected)
    assert follower.gaps() == ()


def test_it_goes_on_after_a_restart_and_says_so(containers: Containers, engine: Engine, follow) -> None:
    container = containers.python(COUNTER.format(lines=300, rate=1000))
    follower = follow(container)
    until(lambda: last(follower) == "the end", 30)
    engine.restart(container, grace=0)
    until(lambda: len(numbers(follower)) == 600, 30)
    own = [line.text for line in follower.ring.read().lines if line.stream == "engine"]
    assert own == [f"{container.name} was started again."]
    assert sorted(numbers(follower)[300:]) == list(range(300))


def test_it_takes_up_a_container_that_was_killed_and_started_later(containers: Containers, follow) -> None:
    container = containers.python(COUNTER.format(lines=100, rate=1000))
    follower = follow(container)
    until(lambda: last(follower) == "the end", 30)
    containers.private.client("kill", container.name)
    until(lambda: follower.following.state == "stopped", 30)
    containers.private.client("start", container.name)
    until(lambda: len(numbers(follower)) == 200, 30)
    assert [line.stream for line in follower.ring.read().lines].count("engine") == 1


def test_it_follows_the_new_container_of_the_same_name(containers: Containers, follow) -> None:
    container = containers.python("print('old'); import time; time.sleep(600)")
    follower = follow(container)
    until(lambda: last(follower) == "old", 30)
    containers.private.client("rm", "-f", container.name)
    until(lambda: follower.following.state == "gone", 30)
    containers.python("print('new'); import time; time.sleep(600)", name=container.name)
    until(lambda: last(follower) == "new", 30)


def test_stdout_and_stderr_are_told_apart(containers: Containers, follow) -> None:
    script = "import sys, time; print('to out'); print('to err', file=sys.stderr); time.sleep(600)"
    follower = follow(containers.python(script))
    until(lambda: follower.ring.next >= 2, 30)
    assert {(line.stream, line.text) for line in follower.ring.read().lines} == {
        ("stdout", "to out"),
        ("stderr", "to err"),
    }


def test_a_line_longer_than_the_engine_keeps_in_one_piece_is_joined(containers: Containers, follow) -> None:
    script = "print('a' * 16384 + 'b' * 16384 + 'c' * 100); print('after'); import time; time.sleep(600)"
    follower = follow(containers.python(script))
    until(lambda: last(follower) == "after", 30)
    assert follower.ring.read().lines[0].text == "a" * 16384 + "b" * 16384 + "c" * 100


def test_a_terminal_s_lines_are_whole_and_without_carriage_returns(containers: Containers, follow) -> None:
    script = "print('x' * 40000); print('after'); import time; time.sleep(600)"
    follower = follow(containers.python(script, "-t"))
    until(lambda: last(follower) == "after", 30)
    assert follower.ring.read().lines[0].text == "x" * 40000


def test_lines_that_rotation_took_away_are_never_lost_in_silence(containers: Containers, follow) -> None:
    # The follower sees the first line; then the container writes far faster than two small files can hold
    script = (
        "import time\nprint('first')\ntime.sleep(2)\n"
        "for n in range(60000): print(f'line {n:07d}', 'x' * 80)\nprint('the end')\ntime.sleep(600)"
    )
    follower = follow(containers.python(script, "--log-opt", "max-size=200k", "--log-opt", "max-file=2"))
    until(lambda: follower.ring.next >= 1, 30)
    until(lambda: last(follower) == "the end" or follower.gaps(), 60)
    until(lambda: "the end" in {line.text for line in follower.ring.read(limit=1_000_000).lines}, 60)
    whole = set(numbers(follower)) == set(range(60000))
    told = [line for line in follower.ring.read(limit=1_000_000).lines if "missing here" in line.text]
    assert whole or (follower.gaps() and told)


def test_closing_ends_a_quiet_follow_at_once(containers: Containers, follow) -> None:
    follower = follow(containers.python("print('hello'); import time; time.sleep(600)"))
    until(lambda: follower.ring.next >= 1, 30)
    follower.close()
    assert follower.ring.closed


def test_closing_completely_takes_what_was_written_until_then(containers: Containers, follow) -> None:
    container = containers.python(COUNTER.format(lines=20000, rate=100000))
    follower = follow(container)
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 60)
    follower.close(complete=True)
    assert sorted(numbers(follower)) == list(range(20000))
