"""What stands between a probe, or a restart, and a container in use: the question, the GPU, a clean end."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from dashboard.engine.facts import ContainerFacts
from dashboard.store import Action, Store, store_url
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import until

SLEEP = "import time; print('up'); time.sleep(600)"
SERVES = """
import http.server
server = http.server.ThreadingHTTPServer(("", 5000), http.server.BaseHTTPRequestHandler)
print("up")
server.serve_forever()
"""
ALLOWED = ("--label", "loadonce.target=true")
SERVICES = ("-v", f"{ROOT / 'tests' / 'services'}:/service:ro", "-w", "/service")
STRAYS = """
import multiprocessing, subprocess, sys, threading, time
lock = threading.Lock()  # a fork in the middle of another one's would hold its pipe open
def sleep():
    time.sleep(600)
def get_model():
    print("Loading LLaVa model: demo on cpu")
    with lock:
        multiprocessing.get_context("fork").Process(target=sleep).start()
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(601)"])
    {then}
    return object()
"""
PROBE = (sys.executable, "-m", "dashboard", "probe", "--callable")
RUN = (sys.executable, "-m", "dashboard", "run", "--target")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "LOADONCE_HOME": str(tmp_path)}


def up(containers: Containers, container: ContainerFacts) -> ContainerFacts:
    until(lambda: "up" in containers.private.client("logs", container.name).stdout, 30)
    return container


def actions(home: dict[str, str]) -> list[Action]:
    with closing(Store.open(store_url(Path(home["LOADONCE_HOME"])))) as store:
        return list(reversed(store.actions()))


def on_a_terminal(command: tuple[str, ...], answer: str, env: dict[str, str]) -> tuple[int, str, str]:
    """Run a command whose questions go to a terminal; return its exit code, the terminal's text, stdout."""
    terminal, there = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=there, stderr=there, stdout=subprocess.PIPE)
    os.close(there)
    shown = b""
    with suppress(OSError):  # the terminal is closed from the other side
        while data := os.read(terminal, 4096):
            shown += data
            if b"[y/N]" in data:
                os.write(terminal, answer.encode())
    os.close(terminal)
    assert process.stdout is not None
    printed = process.stdout.read().decode()
    process.stdout.close()
    return process.wait(120), shown.decode(), printed


def inside(containers: Containers, name: str) -> str:
    return containers.private.client("top", name, "-eo", "pid,args").stdout


@pytest.fixture
def busy(containers: Containers) -> ContainerFacts:
    """A service with one client connected."""
    container = up(containers, containers.python(SERVES, *ALLOWED, *SERVICES))
    script = "import socket, time; s = socket.create_connection(('%s', 5000)); print('up'); time.sleep(600)"
    up(containers, containers.python(script % container.addresses[0]))
    return container


def test_a_probe_is_asked_about_with_what_it_disturbs(busy: ContainerFacts, home: dict[str, str]) -> None:
    command = (*PROBE, "double_checked:get_model", "--container", busy.name, "--json")
    code, shown, printed = on_a_terminal(command, "n\n", home)
    assert (code, printed) == (2, "")
    assert f"{busy.name} ({busy.image}) has been up for less than a minute and has 1 open connection" in shown
    assert "Load the model a second time in it, to probe? [y/N]" in shown
    assert "Nothing was probed." in shown
    assert [(one.action, one.target, one.outcome) for one in actions(home)] == [
        ("probe", f"container:{busy.name}", "declined")
    ]


def test_a_probe_that_was_agreed_to_is_made_and_recorded(busy: ContainerFacts, home: dict[str, str]) -> None:
    command = (*PROBE, "double_checked:get_model", "--container", busy.name, "--json")
    code, _, printed = on_a_terminal(command, "y\n", home)
    assert (code, printed[0], printed[-2:]) == (0, "{", "}\n")
    told = [(one.actor, one.outcome) for one in actions(home)]
    assert told == [("local", "started"), ("local", "green")]


def test_whoever_said_yes_before_is_not_asked(busy: ContainerFacts, home: dict[str, str]) -> None:
    command = (*PROBE, "double_checked:get_model", "--container", busy.name, "--yes")
    assert "[y/N]" not in on_a_terminal(command, "", home)[1]


def test_a_restart_is_asked_about_with_what_it_disturbs(
    busy: ContainerFacts, containers: Containers, home: dict[str, str]
) -> None:
    code, shown, printed = on_a_terminal((*RUN, f"container:{busy.name}", "--json"), "n\n", home)
    assert (code, printed) == (2, "")
    assert f"{busy.name} ({busy.image}) has been up for less than a minute and has 1 open connection" in shown
    assert "Restart it? [y/N]" in shown
    assert containers.engine.container(busy.name).started_at == busy.started_at


def test_a_restart_that_was_agreed_to_is_made(containers: Containers, home: dict[str, str]) -> None:
    container = up(containers, containers.python(SLEEP, *ALLOWED))
    folder = Path(home["LOADONCE_HOME"])
    trigger = "[targets.it.trigger]\nkind = 'command'\ncommand = ['python3', '-c', 'pass']\n"
    (folder / "targets.toml").write_text(f"[targets.it]\ncontainer = '{container.name}'\n{trigger}")
    code, shown, _ = on_a_terminal((*RUN, "container:it"), "y\n", home)
    assert (code, "Restart it? [y/N]" in shown) == (3, True)
    assert containers.engine.container(container.name).started_at != container.started_at


def test_a_refused_probe_is_recorded_with_its_reason(containers: Containers, home: dict[str, str]) -> None:
    container = containers.python(SLEEP, *SERVICES)
    done = subprocess.run(
        [*PROBE, "double_checked:get_model", "--container", container.name],
        cwd=ROOT,
        env=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 4
    (only,) = actions(home)
    assert "refused: " in only.outcome
    assert "nobody's list" in only.outcome


# -- the GPU ---------------------------------------------------------------------------------------------

StandIn = Callable[[str], ContainerFacts]


@pytest.fixture
def with_gpu(containers: Containers, tmp_path: Path) -> StandIn:
    """A container whose nvidia-smi says this."""

    def make(says: str) -> ContainerFacts:
        script = "import os, sys; print(os.environ['PATH'], sys.executable)"
        asked = containers.private.client("exec", containers.python(SLEEP).name, "python3", "-c", script)
        path, python = asked.stdout.split()
        program = tmp_path / "nvidia-smi"
        program.write_text(
            f"#!{python}\nimport sys\nassert '--query-gpu=memory.free,memory.used' in sys.argv\n{says}\n"
        )
        program.chmod(0o755)
        options = ("-v", f"{tmp_path}:/gpu:ro", "-e", f"PATH=/gpu:{path}")
        return up(containers, containers.python(SLEEP, *ALLOWED, *SERVICES, *options))

    return make


def probe(container: ContainerFacts, home: dict[str, str], *more: str) -> tuple[int, str]:
    done = subprocess.run(
        [*PROBE, "double_checked:get_model", "--container", container.name, *more],
        cwd=ROOT,
        env=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stderr


def test_a_gpu_without_room_for_a_second_model_refuses(with_gpu: StandIn, home: dict[str, str]) -> None:
    container = with_gpu("print('40000, 1200')\nprint('9000, 15000')")
    code, said = probe(container, home)
    assert code == 2
    assert f"GPU 1 of {container.name} has 15,000 MB in use already and 9,000 MB left" in said
    assert "--force" in said
    assert probe(container, home, "--force")[0] == 0


@pytest.mark.parametrize(
    "says",
    [
        "print('20000, 4000')",
        "print('[N/A], [N/A]')",
        "print('No devices were found'); sys.exit(6)",
        "sys.exit(9)",
    ],
    ids=["room", "not told", "no GPU", "broken driver"],
)
def test_a_gpu_with_room_or_without_an_answer_does_not(
    with_gpu: StandIn, home: dict[str, str], says: str
) -> None:
    assert probe(with_gpu(says), home)[0] == 0


# -- a clean end -----------------------------------------------------------------------------------------


@pytest.fixture
def leaving_strays(containers: Containers, tmp_path: Path) -> Callable[[str], ContainerFacts]:
    """A container whose service starts processes when it loads, and then does this."""

    def make(then: str) -> ContainerFacts:
        service = tmp_path / "service"
        service.mkdir()
        (service / "strays.py").write_text(STRAYS.format(then=then))
        options = ("-v", f"{service}:/service:ro", "-w", "/service")
        return up(containers, containers.python(SLEEP, *ALLOWED, *options))

    return make


def left_in(containers: Containers, container: ContainerFacts) -> list[str]:
    return inside(containers, container.name).strip().splitlines()[1:]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stopped_probe_leaves_no_process_in_the_container(
    containers: Containers,
    home: dict[str, str],
    leaving_strays: Callable[[str], ContainerFacts],
    number: signal.Signals,
) -> None:
    container = leaving_strays("time.sleep(600)")
    process = subprocess.Popen(
        [*PROBE, "strays:get_model", "--container", container.name, "--threads", "2"],
        cwd=ROOT,
        env=home,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: inside(containers, container.name).count("sleep(601)") == 2, 60)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "The probe was stopped, and its process ended" in said
    assert len(left_in(containers, container)) == 1
    assert [one.outcome for one in actions(home)] == ["started", "stopped"]


def test_what_a_service_starts_ends_with_the_probe(
    containers: Containers, home: dict[str, str], leaving_strays: Callable[[str], ContainerFacts]
) -> None:
    container = leaving_strays("pass")
    done = subprocess.run(
        [*PROBE, "strays:get_model", "--container", container.name],
        cwd=ROOT,
        env=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1  # three models
    assert len(left_in(containers, container)) == 1
