"""`probe` in containers of a real engine: with the container's own Python, beside its service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dashboard.engine.facts import ContainerFacts
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import PYTHON_IMAGE, until

SLEEP = "import time; print('up'); time.sleep(600)"
ALLOWED = ("--label", "loadonce.target=true")
SERVICES = ("-v", f"{ROOT / 'tests' / 'services'}:/service:ro", "-w", "/service")
HEAVY = """
def get_model():
    print("Loading LLaVa model: demo on cpu")
    return bytearray(400 * 1024 * 1024)
"""


def call(container: str, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "dashboard", "probe", "--container", container),
            *("--callable", f"{name}:get_model", "--json", *arguments),
        ],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def up(containers: Containers, container: ContainerFacts) -> ContainerFacts:
    until(lambda: "up" in containers.private.client("logs", container.name).stdout, 30)
    return container


@pytest.fixture
def service(containers: Containers) -> ContainerFacts:
    return up(containers, containers.python(SLEEP, *ALLOWED, *SERVICES))


@pytest.mark.parametrize(
    ("name", "code"), [("double_checked", 0), ("no_lock", 1), ("thread_local", 1), ("silent_once", 3)]
)
def test_a_service_in_a_container_is_judged_as_it_is(service: ContainerFacts, name: str, code: int) -> None:
    done = call(service.name, name)
    assert (done.returncode, told(done)["counts"]["variants"]) == (code, 3)


def test_a_thread_that_never_comes_back_leaves_no_process_behind(
    service: ContainerFacts, containers: Containers
) -> None:
    done = call(service.name, "never_back", "--timeout", "2")
    assert (done.returncode, told(done)["reasons"][0]["code"]) == (3, "not_answered")
    listed = containers.private.client("top", service.name).stdout
    assert "never_back" not in listed


def test_a_container_on_nobody_s_list_is_not_touched(containers: Containers) -> None:
    container = containers.python(SLEEP, *SERVICES)
    done = call(container.name, "double_checked")
    assert (done.returncode, done.stdout) == (4, "")
    assert "nobody's list" in done.stderr


def test_a_container_that_does_not_run_is_out_of_reach(
    service: ContainerFacts, containers: Containers
) -> None:
    containers.private.client("kill", service.name)
    done = call(service.name, "double_checked")
    assert (done.returncode, done.stdout) == (4, "")
    assert "is exited" in done.stderr


def test_an_unknown_container_is_out_of_reach() -> None:
    done = call("nobody", "double_checked")
    assert (done.returncode, "No such container: nobody" in done.stderr) == (4, True)


def test_a_container_without_python_on_its_path_is_out_of_reach(containers: Containers) -> None:
    asked = ("run", "--rm", PYTHON_IMAGE, "python3", "-c", "import sys; print(sys.executable)")
    python = containers.private.client(*asked).stdout.strip()
    options = (*ALLOWED, "-e", "PATH=/nowhere")
    container = up(containers, containers.run(python, "-u", "-c", SLEEP, options=options))
    done = call(container.name, "double_checked", "--force")
    assert (done.returncode, "python3 does not run in" in done.stderr) == (4, True)


def test_a_service_that_fills_its_memory_is_not_loaded_a_second_time(containers: Containers) -> None:
    script = "held = bytearray(b'x') * (300 * 1024 * 1024); " + SLEEP
    limits = ("--memory", "400m", "--memory-swap", "400m")
    container = up(containers, containers.python(script, *ALLOWED, *SERVICES, *limits))
    done = call(container.name, "double_checked")
    assert (done.returncode, done.stdout) == (2, "")
    assert "say --force" in done.stderr
    assert call(container.name, "double_checked", "--force").returncode == 0


def test_its_own_want_of_memory_after_one_start_says_nothing_of_the_service(
    containers: Containers, tmp_path: Path
) -> None:
    (tmp_path / "heavy.py").write_text(HEAVY)
    tmp_path.chmod(0o755)
    limits = ("--memory", "200m", "--memory-swap", "200m", "-v", f"{tmp_path}:/service:ro", "-w", "/service")
    container = up(containers, containers.python(SLEEP, *ALLOWED, *limits))
    done = call(container.name, "heavy", "--threads", "1")
    assert (done.returncode, told(done)["reasons"][0]["code"]) == (3, "aborted")
    assert "Memory ran out" in told(done)["reasons"][0]["text"]
