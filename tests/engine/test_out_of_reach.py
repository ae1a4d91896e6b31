"""What `run` says of a trigger that gets nowhere, and how that differs from a service that answers badly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.triggers.postgres_server import PASSWORD, PostgresServer, missing
from tests.engine.conftest import ROOT, Containers

IDLE = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); time.sleep(600)"
ANSWERS_BADLY = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_error(500)
    do_GET = do_POST
server = http.server.ThreadingHTTPServer(("", 5000), Handler)
print("listening", flush=True)
server.serve_forever()
"""

Run = Callable[..., tuple[int, str, dict[str, Any]]]


@pytest.fixture
def run(containers: Containers, tmp_path: Path) -> Run:
    """Launch at a container with these lines of its entry; returns the exit code, the error and the JSON."""

    def launch(container: str, *entry: str, more: tuple[str, ...] = ()) -> tuple[int, str, dict[str, Any]]:
        (tmp_path / "targets.toml").write_text(
            "\n".join(["[targets.it]", f'container = "{container}"', *entry])
        )
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "dashboard",
                "run",
                "--target",
                "container:it",
                "--json",
                *("--timeout", "20"),
                *more,
            ],
            cwd=ROOT,
            env=os.environ | {"LOADONCE_HOME": str(tmp_path), "DB_PASSWORD": PASSWORD},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = "\n".join(line for line in done.stderr.splitlines() if line.startswith("Error:"))
        assert done.stdout, done.stderr
        return done.returncode, said, json.loads(done.stdout)

    return launch


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    why = missing()
    if why is not None:
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    server = PostgresServer()
    try:
        server.up()
        yield server
    finally:
        server.down()


def test_a_port_where_nobody_listens(containers: Containers, run: Run) -> None:
    container = containers.python(IDLE)
    code, said, told = run(container.name, 'trigger = { kind = "http", path = "/", port = 5999 }')
    assert (code, told["verdict"]) == (4, "inconclusive")
    assert ":5999 (Connection refused), where the variants should go" in said
    assert "targets.toml says which port is meant" in said


def test_the_same_is_not_tried_again_and_again(containers: Containers, run: Run) -> None:
    container = containers.python(IDLE)
    http = 'trigger = { kind = "http", path = "/", port = 5999 }'
    code, said, told = run(container.name, http, more=("--repeat", "5"))
    assert (code, len(told["trials"])) == (4, 1)
    assert told["out_of_reach"] in said


def test_a_published_port_with_nobody_behind_it(containers: Containers, run: Run) -> None:
    container = containers.python(IDLE, "-p", "127.0.0.1:18412:5000")
    code, said, _ = run(container.name, 'trigger = { kind = "http", path = "/", port = 5000 }')
    assert (code, "127.0.0.1:18412" in said) == (4, True)


def test_our_worker_at_another_port_than_it_listens_on(containers: Containers, run: Run) -> None:
    container = containers.python(ANSWERS_BADLY)
    ready = 'ready = { http = "/healthz", timeout_s = 3 }'
    code, said, _ = run(container.name, ready, 'trigger = { kind = "worker", port = 5001 }')
    assert code == 4
    assert f"{container.name} is out of reach: nothing answered at" in said
    assert ":5001 within 3 s" in said


def test_a_worker_that_is_none_of_ours_was_reached(containers: Containers, run: Run) -> None:
    container = containers.python(ANSWERS_BADLY)
    ready = 'ready = { http = "/healthz", timeout_s = 3 }'
    code, said, told = run(container.name, ready, 'trigger = { kind = "worker", port = 5000 }')
    assert (code, said) == (3, "")
    assert "nothing of ours answered /healthz" in told["reasons"][0]["text"]


def test_a_service_that_answers_badly_was_reached(containers: Containers, run: Run) -> None:
    container = containers.python(ANSWERS_BADLY)
    code, said, told = run(
        container.name,
        'ready = { log = "listening" }',
        'trigger = { kind = "http", path = "/", port = 5000 }',
    )
    assert (code, said, told["counts"]["variants_ok"]) == (3, "", 0)


@pytest.mark.parametrize("more", ['["nobody-has-this"]', '["python3", "-c", "pass"]\nworkdir = "/nowhere"'])
def test_a_command_that_is_not_there(containers: Containers, run: Run, more: str) -> None:
    container = containers.python(IDLE)
    code, said, _ = run(container.name, "[targets.it.trigger]", 'kind = "command"', f"command = {more}")
    assert code == 4
    assert f"of the trigger could not be started in {container.name}" in said
    assert "in targets.toml" in said


@pytest.mark.parametrize("script", ["import sys; sys.exit(127)", "import no_such_module"])
def test_a_command_that_ran_and_failed_is_evidence(containers: Containers, run: Run, script: str) -> None:
    container = containers.python(IDLE)
    command = json.dumps(["python3", "-c", script])
    code, said, told = run(container.name, "[targets.it.trigger]", 'kind = "command"', f"command = {command}")
    assert (code, said, told["counts"]["variants_ok"]) == (3, "", 0)


def rows(address: str, create: str) -> tuple[str, ...]:
    return (
        "[targets.it.trigger]",
        'kind = "postgres"',
        f'dsn = "{address}"',
        f'create = "{create}"',
        'trigger = "SELECT %(variant_id)s"',
        'done_count = "SELECT 0"',
    )


def test_a_database_at_another_port_than_it_listens_on(
    containers: Containers, run: Run, postgres: PostgresServer
) -> None:
    container = containers.python(IDLE)
    code, said, _ = run(container.name, *rows("host=127.0.0.1 port=1 user=tester", "SELECT 1"))
    assert code == 4
    assert "The database of the trigger cannot be connected to" in said
    assert "Look at dsn in targets.toml" in said


def test_a_database_that_refuses_a_statement_was_reached(
    containers: Containers, run: Run, postgres: PostgresServer
) -> None:
    container = containers.python(IDLE)
    address = f"{postgres.address} password=${{DB_PASSWORD}}"
    code, said, told = run(container.name, *rows(address, "INSERT INTO nowhere VALUES (1)"))
    assert (code, said) == (3, "")
    assert "The rows of the variants could not be made" in told["reasons"][0]["text"]


def test_the_history_keeps_that_it_was_out_of_reach(containers: Containers, run: Run, tmp_path: Path) -> None:
    container = containers.python(IDLE)
    _, _, told = run(container.name, 'trigger = { kind = "http", path = "/", port = 5999 }')
    assert told["status"] == "failed"
    shown = subprocess.run(
        [sys.executable, "-m", "dashboard", "history", "show", told["run_id"]],
        cwd=ROOT,
        env=os.environ | {"LOADONCE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "The target is out of reach" in shown.stdout + shown.stderr
