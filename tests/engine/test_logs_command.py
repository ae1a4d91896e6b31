"""What `logs` can leave out and put beside a line, against a real engine."""

from __future__ import annotations

import re
import signal
import time

import pytest

from tests.engine.command_line import SLEEP, call, following, shown
from tests.engine.conftest import Containers

TEN = "[print('hit' if n in (3, 8) else n) for n in range(12)]"


def test_until_ends_a_log(containers: Containers) -> None:
    container = containers.python("print('one'); import time; time.sleep(3); print('two')" + SLEEP)
    shown(containers, container.name, "two")
    end = (container.started_at or 0.0) + 1.5
    assert call("logs", "--container", container.name, "--until", f"{end:.3f}").stdout == "one\n"
    assert call("logs", "--container", container.name, "--since", f"{end:.3f}").stdout == "two\n"


def test_tail_before_an_end_is_the_newest_lines_before_it(containers: Containers) -> None:
    script = "[print(n) for n in range(5)]; import time; time.sleep(3); [print('late') for n in range(5)]"
    container = containers.python(script + SLEEP)
    shown(containers, container.name, "late")
    end = (container.started_at or 0.0) + 1.5
    done = call("logs", "--container", container.name, "--until", f"{end:.3f}", "--tail", "2")
    assert done.stdout == "3\n4\n"


def test_timestamps_are_the_engine_s_own(containers: Containers) -> None:
    container = containers.python("print('up')" + SLEEP)
    shown(containers, container.name, "up")
    stamp = containers.private.client("logs", "-t", container.name).stdout.split()[0]
    told = call("logs", "--container", container.name, "--timestamps").stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z up\n", told)
    assert abs(int(told[20:26]) - int(stamp[20:26].ljust(6, "0"))) <= 1
    assert told[:19] == stamp[:19]


@pytest.mark.parametrize(
    ("count", "lines"),
    [
        ("0", ["hit", "hit"]),
        ("1", ["2", "hit", "4", "--", "7", "hit", "9"]),
        ("2", ["1", "2", "hit", "4", "5", "6", "7", "hit", "9", "10"]),
        ("9", ["0", "1", "2", "hit", "4", "5", "6", "7", "hit", "9", "10", "11"]),
    ],
)
def test_context_shows_the_lines_around_a_hit(containers: Containers, count: str, lines: list[str]) -> None:
    container = containers.python(TEN + SLEEP)
    shown(containers, container.name, "11")
    done = call("logs", "--container", container.name, "--grep", "hit", "--context", count)
    assert done.stdout.splitlines() == lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--until", "tomorrow"), "--until: 'tomorrow' is no moment"),
        (("--since", "tomorrow"), "--since: 'tomorrow' is no moment"),
        (("--until", "5m", "--follow"), "Leave one of them out"),
        (("--context", "3"), "there is no --grep"),
    ],
)
def test_what_makes_no_sense_is_refused_before_an_engine_is_asked(
    arguments: tuple[str, ...], words: str
) -> None:
    done = call("logs", "--container", "x", *arguments, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_followed_logs_are_in_the_order_of_their_times(containers: Containers) -> None:
    # Each writes at its own tenths of a second, after both have been opened
    begin = time.time() + 4
    script = (
        "import time\nprint('up')\nfor n in range(20):\n"
        "    time.sleep(max(0, {begin} + n / 10 - time.time())); print('{name}', n)\ntime.sleep(600)"
    )
    names = {each: containers.python(script.format(begin=begin + offset, name=each)).name
             for each, offset in (("a", 0.0), ("b", 0.05))}  # fmt: skip
    for name in names.values():
        shown(containers, name, "up")
    with following(*names.values(), options=("--timestamps",)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().split(" | ")[1].split() for _ in range(42)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    stamps = [stamp for stamp, *_ in lines]
    assert stamps == sorted(stamps)
    assert sorted(tuple(words) for _, *words in lines if len(words) == 2) == sorted(
        (name, str(n)) for name in "ab" for n in range(20)
    )
