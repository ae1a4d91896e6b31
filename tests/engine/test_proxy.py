"""The proxy before the engine's socket: haproxy itself, the project's configuration, and a real engine."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.follower import Follower
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until

CONFIGURATION = Path(__file__).resolve().parents[2] / ".docker/proxy.cfg"
PORT = 2375
ADDRESS = f"tcp://127.0.0.1:{PORT}"
WAITS = "import time; time.sleep(600)"

Start = Callable[..., Path]


@pytest.fixture
def start(private: PrivateEngine, tmp_path: Path) -> Iterator[Start]:
    """Start haproxy with these variables; returns the file that it logs to."""
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("haproxy is missing: apt-get install haproxy")
        pytest.skip("needs haproxy (apt-get install haproxy)")
    running: list[subprocess.Popen[bytes]] = []
    log = tmp_path / "proxy.log"

    def begin(**variables: str) -> Path:
        with log.open("wb") as out:
            running.append(
                subprocess.Popen(
                    [program, "-f", CONFIGURATION],
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=os.environ | {"DOCKER_SOCKET": str(private.socket)} | variables,
                )
            )
        until(_answers, 20)
        return log

    yield begin
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture
def proxy(start: Start) -> Path:
    return start()


@pytest.fixture(scope="module")
def waiting(private: PrivateEngine, engine: Engine) -> Iterator[ContainerFacts]:
    """One container for all: what is refused leaves it as it was."""
    made = Containers(private, engine)
    yield made.python(WAITS)
    made.clean()


def _answers() -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
        return True
    return False


def ask(method: str, path: str, **headers: str) -> tuple[int, str]:
    """Send the path as it stands, and return the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/_ping",
        "/version",
        "/v1.41/info",
        "/v1.41/events?since=1&until=2",
        "/containers/json?all=1",
        "/v1.41/containers/NAME/json",
        "/v1.41/containers/NAME/logs?stdout=1",
        "/v1.41/containers/NAME/stats?stream=0",
    ],
)
def test_what_the_console_reads_is_let_through(proxy: Path, waiting: ContainerFacts, path: str) -> None:
    assert ask("GET", path.replace("NAME", waiting.name))[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1.41/containers/create"),
        ("POST", "/v1.41/containers/NAME/stop"),
        ("POST", "/v1.41/containers/NAME/kill"),
        ("POST", "/v1.41/containers/NAME/update"),
        ("POST", "/v1.41/containers/NAME/attach?stream=1"),
        ("POST", "/v1.41/containers/NAME/exec"),
        ("POST", "/v1.41/exec/0123abcd/start"),
        ("GET", "/v1.41/exec/0123abcd/json"),
        ("DELETE", "/v1.41/containers/NAME?force=1"),
        ("PUT", "/v1.41/containers/NAME/archive?path=/"),
        ("GET", "/v1.41/containers/NAME/archive?path=/etc"),
        ("GET", "/v1.41/containers/NAME/export"),
        ("GET", "/v1.41/containers/NAME/restart"),
        ("POST", "/v1.41/containers/NAME/json"),
        ("POST", "/v1.41/containers/json"),
        ("GET", "/v1.41/images/json"),
        ("GET", "/v1.41/secrets"),
        ("POST", "/v1.41/build"),
        ("POST", "/grpc"),
        ("POST", "/session"),
        # Ways round: other spellings of a path that is not on the list
        ("GET", "/v1.41/containers/../images/json"),
        ("GET", "/containers/%2e%2e/images/json"),
        ("GET", "//v1.41/containers/json"),
        ("GET", "/v1.41/v1.41/containers/json"),
        ("GET", "/containers/json/../../images/json"),
        ("GET", "/containers/NAME/logs/../archive?path=/etc"),
        ("GET", "/images/json?/containers/json"),
        ("GET", "/images/json;/containers/json"),
        ("GET", "http://engine/images/json"),
    ],
)
def test_whatever_is_not_on_the_list_is_refused(
    proxy: Path, waiting: ContainerFacts, engine: Engine, method: str, path: str
) -> None:
    before = engine.container(waiting.name)
    status, said = ask(method, path.replace("NAME", waiting.name))
    assert (status, "reading and restarts only" in json.loads(said)["message"]) == (403, True)
    assert engine.container(waiting.name).started_at == before.started_at


def test_a_change_of_protocol_is_refused(proxy: Path) -> None:
    assert ask("GET", "/_ping", Connection="Upgrade", Upgrade="h2c")[0] == 403


def test_a_container_can_be_restarted(proxy: Path, waiting: ContainerFacts) -> None:
    through = Engine.open({"DOCKER_HOST": ADDRESS})
    through.restart(waiting, grace=0)
    assert through.container(waiting.name).started_at != waiting.started_at
    through.close()


def test_a_log_can_be_followed_line_by_line(proxy: Path, containers: Containers) -> None:
    # The last line is seen while the container is quiet and its log open: nothing was held back
    container = containers.python("for n in range(5000): print('line', n)\n" + WAITS)
    through = Engine.open({"DOCKER_HOST": ADDRESS})
    follower = Follower(through, container)
    until(lambda: follower.ring.next >= 5000, 30)
    follower.close()
    through.close()
    assert [line.text for line in follower.ring.read(limit=9999).lines] == [f"line {n}" for n in range(5000)]


def test_a_command_in_a_container_is_refused_in_words_of_the_sdk(
    proxy: Path, waiting: ContainerFacts
) -> None:
    client = docker.DockerClient(ADDRESS)
    with pytest.raises(docker.errors.APIError, match="needs LOADONCE_ALLOW_EXEC=1"):
        client.containers.get(waiting.name).exec_run(["python3", "-c", "print('hello')"])
    client.close()


def test_a_command_in_a_container_runs_where_that_is_allowed(start: Start, waiting: ContainerFacts) -> None:
    start(LOADONCE_ALLOW_EXEC="1")
    client = docker.DockerClient(ADDRESS)
    done = client.containers.get(waiting.name).exec_run(
        ["python3", "-c", "print('hello'); raise SystemExit(3)"]
    )
    client.close()
    assert done == (3, b"hello\n")


def test_allowing_commands_allows_reading_files_and_nothing_else(
    start: Start, waiting: ContainerFacts
) -> None:
    start(LOADONCE_ALLOW_EXEC="1")
    assert ask("GET", f"/containers/{waiting.name}/archive?path=/etc/hostname")[0] == 200
    assert ask("PUT", f"/containers/{waiting.name}/archive?path=/")[0] == 403
    assert ask("POST", f"/containers/{waiting.name}/stop")[0] == 403


def test_only_refusals_are_logged(proxy: Path, waiting: ContainerFacts) -> None:
    ask("GET", "/version")
    ask("GET", "/images/json")
    until(lambda: "/images/json" in proxy.read_text("utf-8"), 10)
    assert "/version" not in proxy.read_text("utf-8")
