"""`logs` and `verdict --container` on the command line, against a real engine."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from tests.engine.command_line import SLEEP, call, following, shown
from tests.engine.conftest import Containers
from tests.engine.private_engine import until

ONE_LOAD = "print('Loading LLaVa model: x on cpu'); print('LLaVa model loaded successfully on cpu')"


def test_a_container_s_log_is_judged_from_its_last_start_on(containers: Containers, engine: Engine) -> None:
    container = containers.python(ONE_LOAD + SLEEP)
    shown(containers, container.name, "successfully")
    engine.restart(container, grace=0)
    until(lambda: containers.private.client("logs", container.name).stdout.count("successfully") == 2, 30)
    done = call("verdict", "--container", container.name, "--json")
    assert (done.returncode, json.loads(done.stdout)["counts"]["load_started"]) == (0, 1)


def test_an_explicit_since_is_taken_literally(containers: Containers, engine: Engine) -> None:
    container = containers.python(ONE_LOAD + SLEEP)
    shown(containers, container.name, "successfully")
    engine.restart(container, grace=0)
    until(lambda: containers.private.client("logs", container.name).stdout.count("successfully") == 2, 30)
    done = call("verdict", "--container", container.name, "--since", "10m", "--json")
    assert json.loads(done.stdout)["counts"]["load_started"] == 2


def test_logs_of_several_containers_are_merged_by_time(containers: Containers) -> None:
    first = containers.python("import time; print('one'); time.sleep(2); print('three')" + SLEEP)
    shown(containers, first.name, "one")
    second = containers.python("print('two')" + SLEEP)
    shown(containers, second.name, "two")
    shown(containers, first.name, "three")
    done = call("logs", "--container", first.name, "--container", second.name)
    assert [line.split(" | ")[1] for line in done.stdout.splitlines()] == ["one", "two", "three"]


def test_grep_shows_only_what_matches_in_any_case(containers: Containers) -> None:
    container = containers.python("print('keep ME'); print('drop this')" + SLEEP)
    shown(containers, container.name, "drop")
    assert call("logs", "--container", container.name, "--grep", "me$").stdout == "keep ME\n"


def test_tail_shows_the_newest_lines(containers: Containers) -> None:
    container = containers.python("[print(n) for n in range(10)]" + SLEEP)
    shown(containers, container.name, "9")
    assert call("logs", "--container", container.name, "--tail", "2").stdout == "8\n9\n"


def test_terminal_codes_of_a_container_do_not_reach_the_terminal(containers: Containers) -> None:
    container = containers.python(r"print('\x1b[2Jgone')" + SLEEP)
    shown(containers, container.name, "gone")
    assert "\x1b[2J" not in call("logs", "--container", container.name).stdout


def test_following_ends_with_one_sentence_when_the_container_is_removed(containers: Containers) -> None:
    container = containers.python("print('up')" + SLEEP)
    with following(container.name) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        containers.private.client("rm", "-f", container.name)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (4, f"Error: There is no container {container.name} any more.\n")


def test_following_goes_on_after_a_restart_until_it_is_interrupted(
    containers: Containers, engine: Engine
) -> None:
    container = containers.python("print('up')" + SLEEP)
    with following(container.name) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        engine.restart(container, grace=0)
        assert process.stdout.readline() == f"-- {container.name} was started again.\n"
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize("command", ["logs", "verdict"])
def test_an_unknown_container_is_exit_code_4(command: str) -> None:
    done = call(command, "--container", "nobody")
    assert (done.returncode, done.stdout) == (4, "")
    assert "No such container: nobody" in done.stderr


def test_without_an_engine_it_is_one_sentence() -> None:
    done = call("logs", "--container", "x", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (4, 1)


def test_a_pattern_that_is_none_is_refused() -> None:
    done = call("logs", "--container", "x", "--grep", "(")
    assert done.returncode == 2
    assert "RE2" in done.stderr


def test_a_log_that_drops_lines_is_never_green(containers: Containers) -> None:
    container = containers.python(ONE_LOAD + SLEEP, "--log-opt", "mode=non-blocking")
    shown(containers, container.name, "successfully")
    done = call("verdict", "--container", container.name, "--json")
    assert done.returncode == 3
    assert [reason["code"] for reason in json.loads(done.stdout)["reasons"]] == ["gap"]


def test_a_log_that_was_rotated_is_never_green(containers: Containers) -> None:
    script = "[print('x' * 200, n) for n in range(3000)]; " + ONE_LOAD + SLEEP
    container = containers.python(script, "--log-opt", "max-size=100k", "--log-opt", "max-file=2")
    shown(containers, container.name, "successfully")
    done = call("verdict", "--container", container.name, "--json")
    assert done.returncode == 3
    assert "gap" in done.stdout


def test_a_damaged_line_that_hides_a_second_load_is_never_green(containers: Containers) -> None:
    container = containers.python(ONE_LOAD + "; print('between'); " + ONE_LOAD + SLEEP)
    until(lambda: containers.private.client("logs", container.name).stdout.count("successfully") == 2, 30)
    path = containers.private.client("inspect", "-f", "{{.LogPath}}", container.name).stdout.strip()
    log = Path(path).read_text("utf-8")
    Path(path).write_text(log.replace('{"log":"between', '{"lo'), "utf-8")  # as a full disk leaves it
    done = call("verdict", "--container", container.name, "--json")
    assert done.returncode == 3, done.stdout
    assert "before its newest line" in done.stdout


def test_a_container_that_was_killed_in_its_load_is_red(containers: Containers) -> None:
    container = containers.python("print('Loading LLaVa model: x on cpu')" + SLEEP)
    shown(containers, container.name, "Loading")
    containers.private.client("kill", container.name)
    done = call("verdict", "--container", container.name, "--json")
    assert (done.returncode, json.loads(done.stdout)["reasons"][0]["code"]) == (1, "worker_died")
