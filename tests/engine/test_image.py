"""The image, built and run for real: worker and console, their health, their end, and the compose file."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.build_base import BASE_IMAGE, PROXY_IMAGE, make_base, make_proxy_image, torch_index
from tests.engine.private_engine import PrivateEngine, until

# A build fetches and unpacks torch, and everything else that a container needs
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "loadonce-test/image"
STARTED = 90  # seconds that a busy machine may need to start a worker or a console
ASK_HEALTH = ("python", "-I", "/usr/local/lib/loadonce/health.py")

Started = Callable[..., str]


@pytest.fixture(scope="module")
def image(private: PrivateEngine) -> str:
    """Build the project's image."""
    make_base(private)
    with torch_index() as index:
        done = private.client(
            "build", "-t", IMAGE, "--build-arg", f"BASE_IMAGE={BASE_IMAGE}",
            "--build-arg", f"TORCH_INDEX_URL={index}", str(ROOT),
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return IMAGE


@pytest.fixture(scope="module")
def running(private: PrivateEngine, image: str) -> Iterator[Started]:
    """Start containers of the image; returns the name of each."""
    names: list[str] = []

    def start(*command: str, options: tuple[str, ...] = ()) -> str:
        names.append(f"image-{uuid.uuid4().hex[:8]}")
        done = private.client("run", "-d", "--name", names[-1], *options, image, *command)
        assert done.returncode == 0, done.stderr
        return names[-1]

    yield start
    if names:
        private.client("rm", "-f", "-v", *names)


@pytest.fixture(scope="module")
def worker(running: Started) -> str:
    return running("worker")


@pytest.fixture(scope="module")
def console(running: Started) -> str:
    return running(
        "console", options=("-p", "127.0.0.1:0:8501", "-e", "LOADONCE_ALLOWED_HOSTS=console.example")
    )


def inspect(private: PrivateEngine, name: str, wanted: str) -> str:
    done = private.client("inspect", "-f", "{{" + wanted + "}}", name)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def healthy(private: PrivateEngine, name: str) -> bool:
    """Whether the engine calls the container healthy; one that has ended, or is not well, fails the test."""
    state = inspect(private, name, ".State.Status")
    assert state == "running", f"{name} is {state}: {private.client('logs', name).stderr}"
    return inspect(private, name, ".State.Health.Status") == "healthy"


def ask(
    address: str, method: str, path: str, body: object = None, host: str | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=STARTED)
    try:
        headers = {"Content-Type": "application/json"} | ({} if host is None else {"Host": host})
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def address_of(private: PrivateEngine, name: str, port: int) -> str:
    networks = ".NetworkSettings.Networks"
    found = inspect(private, name, f"range {networks}}}}}{{{{.IPAddress}}}} {{{{end")
    return f"{found.split()[0]}:{port}"


def published(private: PrivateEngine, name: str) -> str:
    return private.client("port", name, "8501/tcp").stdout.strip()


def test_the_size_is_told_and_torch_for_cpus_keeps_it_small(
    private: PrivateEngine, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, base = (int(inspect(private, name, ".Size")) for name in (image, BASE_IMAGE))
    with capsys.disabled():
        sys.stdout.write(f"\nThe image has {whole / 1e6:,.0f} MB, of which {base / 1e6:,.0f} are its base.\n")
    version = "from importlib.metadata import version; print(version('torch'))"
    torch = private.client("run", "--rm", "--entrypoint", "python", image, "-c", version).stdout
    assert whole - base < 1_300_000_000 or "+cpu" not in torch


def test_it_holds_what_it_runs_and_nothing_else_of_the_project(private: PrivateEngine, image: str) -> None:
    listed = private.client("run", "--rm", "--entrypoint", "ls", image, "-A", "/app")
    assert listed.stdout.split() == [".streamlit", "dashboard", "loader"]


@pytest.mark.parametrize("server", ["worker", "console"])
def test_it_does_not_run_as_root(private: PrivateEngine, server: str, request: pytest.FixtureRequest) -> None:
    name = request.getfixturevalue(server)
    told = private.client("exec", name, "python", "-c", "import os; print(os.getuid(), os.getgid())")
    assert told.stdout.split() == ["10001", "10001"]


@pytest.mark.parametrize("server", ["worker", "console"])
def test_it_turns_healthy(private: PrivateEngine, server: str, request: pytest.FixtureRequest) -> None:
    name = request.getfixturevalue(server)
    until(lambda: healthy(private, name), STARTED)


def test_health_is_bad_where_nothing_answers(private: PrivateEngine, running: Started) -> None:
    name = running("worker", "--port", "9999")
    until(lambda: "Listening" in private.client("logs", name).stderr, STARTED)
    asked = private.client("exec", name, *ASK_HEALTH)
    assert (asked.returncode, "The worker does not answer on port 8000" in asked.stdout) == (1, True)


def test_a_worker_without_a_model_loads_the_demo_once_for_five_at_once(
    private: PrivateEngine, worker: str
) -> None:
    address = address_of(private, worker, 8000)
    until(lambda: healthy(private, worker), STARTED)
    barrier, answers = threading.Barrier(5), []

    def send(number: int) -> None:
        variant = {"job_id": "j", "variant_id": f"v{number}", "prompt": "What is in the picture?"}
        barrier.wait(30)
        answers.append(ask(address, "POST", "/variants", variant))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [200] * 5, answers
    told = [json.loads(body) for _, body in answers]
    assert len({(answer["worker"]["boot"], answer["load_id"]) for answer in told}) == 1
    assert private.client("logs", worker).stdout.count("Loading LLaVa model") == 1


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:9000", "console.example"])
def test_the_console_serves_its_page_by_its_published_port(
    private: PrivateEngine, console: str, host: str
) -> None:
    until(lambda: healthy(private, console), STARTED)
    status, page = ask(published(private, console), "GET", "/", host=host)
    assert (status, "<title>" in page) == (200, True)


def test_the_console_refuses_a_name_that_nobody_allowed(private: PrivateEngine, console: str) -> None:
    until(lambda: healthy(private, console), STARTED)
    assert ask(published(private, console), "GET", "/", host="evil.example")[0] == 403


def test_any_other_word_is_a_command_of_the_console(private: PrivateEngine, image: str) -> None:
    done = private.client("run", "--rm", image, "history", "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("server", ["worker", "console"])
def test_sigterm_ends_it_within_two_seconds(
    private: PrivateEngine, server: str, request: pytest.FixtureRequest
) -> None:
    name = request.getfixturevalue(server)
    until(lambda: healthy(private, name), STARTED)
    assert private.client("stop", "-t", "2", name).returncode == 0
    code = inspect(private, name, ".State.ExitCode")
    private.client("start", name)  # the other tests use it, too
    # 137 if the engine had to kill it after these two seconds
    assert code in ("0", "143")


def test_sigterm_is_not_lost_before_the_server_listens_to_it(
    private: PrivateEngine, running: Started
) -> None:
    name = running("worker")
    # A line of titles, process 1, and the server, which has begun to import
    until(lambda: len(private.client("top", name).stdout.splitlines()) >= 3, STARTED)
    private.client("stop", "-t", "2", name)
    assert inspect(private, name, ".State.ExitCode") in ("0", "143")


def test_sigterm_ends_a_server_that_hangs(private: PrivateEngine, running: Started) -> None:
    name = running("worker")
    until(lambda: "Listening" in private.client("logs", name).stderr, STARTED)
    hang = (
        "import os, pathlib, signal\n"
        "for pid in map(int, pathlib.Path('/proc/1/task/1/children').read_text().split()):\n"
        "    os.kill(pid, signal.SIGSTOP)"
    )
    assert private.client("exec", name, "python", "-c", hang).returncode == 0
    private.client("stop", "-t", "2", name)
    assert inspect(private, name, ".State.ExitCode") == "143"


def test_the_exit_status_of_a_server_is_the_container_s(private: PrivateEngine, image: str) -> None:
    done = private.client("run", "--rm", "-e", "LOADONCE_GUARD=maybe", image, "worker")
    assert (done.returncode, "LOADONCE_GUARD is 'maybe'" in done.stderr) == (2, True)


class Stack:
    """What the compose file starts, under a name of its own."""

    def __init__(self, private: PrivateEngine, command: list[str]) -> None:
        self.private, self._command = private, command

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = self.private.environment() | {
            "LOADONCE_IMAGE": IMAGE,
            "BASE_IMAGE": BASE_IMAGE,
            "HAPROXY_IMAGE": PROXY_IMAGE,
            "DOCKER_SOCKET": str(self.private.socket),
            "CONSOLE_PORT": "8599",
        }
        return subprocess.run(
            [*self._command, "-f", str(ROOT / "compose.yaml"), "-p", "stack", *arguments],
            env=env, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def name(self, service: str) -> str:
        return self.compose("ps", "-q", service).stdout.strip()

    def python(self, service: str, script: str) -> subprocess.CompletedProcess[str]:
        return self.private.client("exec", self.name(service), "python", "-c", script)


@pytest.fixture(scope="module")
def compose(private: PrivateEngine) -> Stack:
    if shutil.which("docker-compose") is not None:
        return Stack(private, ["docker-compose"])
    if private.client("compose", "version").returncode == 0:
        return Stack(private, ["docker", "compose"])
    if os.environ.get("CI"):
        pytest.fail("docker-compose is missing: apt-get install docker-compose")
    pytest.skip("needs docker-compose (apt-get install docker-compose)")


@pytest.fixture(scope="module")
def stack(private: PrivateEngine, image: str, compose: Stack) -> Iterator[Stack]:
    make_proxy_image(private)
    started = compose.compose("up", "-d", "--no-build")
    assert started.returncode == 0, started.stderr
    for service in ("worker", "console"):
        until(lambda service=service: healthy(private, compose.name(service)), STARTED)
    yield compose
    compose.compose("down", "-v", "-t", "1")


def test_the_compose_file_is_valid(compose: Stack) -> None:
    checked = compose.compose("config", "--quiet")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_console_sees_the_worker_through_the_proxy(stack: Stack) -> None:
    listed = stack.python(
        "console",
        "from dashboard.engine.connection import Engine\n"
        "print([one.service for one in Engine.open().containers() if one.labelled])",
    )
    assert listed.stdout == "['worker']\n", listed.stderr


def test_a_trial_of_the_worker_s_container_is_green(stack: Stack) -> None:
    name = inspect(stack.private, stack.name("worker"), ".Name").lstrip("/")
    judged = stack.private.client(
        "exec", stack.name("console"), "python", "-m", "dashboard", "run",
        "--target", f"container:{name}", "--variants-per-job", "5", "--json",
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert json.loads(judged.stdout)["counts"]["load_started"] == 1


def test_the_proxy_refuses_the_console_what_is_not_on_its_list(stack: Stack) -> None:
    asked = stack.python("console", "import docker; docker.from_env().images.list()")
    assert "passes on reading and restarts only" in asked.stderr


def test_the_socket_is_the_proxy_s_alone(stack: Stack) -> None:
    mounted = {
        service: "docker.sock" in inspect(stack.private, stack.name(service), "json .Mounts")
        for service in ("console", "worker", "proxy")
    }
    assert mounted == {"console": False, "worker": False, "proxy": True}


def test_the_worker_cannot_reach_the_proxy(stack: Stack) -> None:
    tried = stack.python("worker", "import socket; socket.create_connection(('proxy', 2375), 5)")
    assert re.search("gaierror|timed out|refused|unreachable", tried.stderr), tried.stdout + tried.stderr


@pytest.mark.parametrize("service", ["worker", "console"])
def test_data_goes_to_a_volume_that_its_user_may_write(stack: Stack, service: str) -> None:
    script = (
        "from loader.settings import home_folder; from pathlib import Path\n"
        "(home_folder() / 'probe').touch(); print(home_folder(), Path('/data').is_mount())"
    )
    assert stack.python(service, script).stdout == "/data True\n"


def test_the_console_is_published_for_this_machine_alone(stack: Stack) -> None:
    assert published(stack.private, stack.name("console")) == "127.0.0.1:8599"
    assert ask("127.0.0.1:8599", "GET", "/")[0] == 200


def test_everything_ends_in_time(stack: Stack) -> None:
    names = {service: stack.name(service) for service in ("worker", "console", "proxy")}
    stack.compose("stop", "-t", "2")
    ends = {service: inspect(stack.private, name, ".State.ExitCode") for service, name in names.items()}
    assert "137" not in ends.values(), ends
