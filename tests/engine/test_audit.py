"""`audit` of modules in containers of a real engine: read, never run, also when the container has ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.audit_desk import audit_in_container
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import PYTHON_IMAGE, PrivateEngine

SLEEP = "import time; time.sleep(600)"
SERVICES = ROOT / "tests" / "services"


def call(container: str, module: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "dashboard", "audit", "--container", container),
            *("--module", module, "--json", *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def codes(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.stdout, done.stderr
    return [finding["code"] for finding in json.loads(done.stdout)["findings"]]


@pytest.fixture
def ended(containers: Containers) -> ContainerFacts:
    """A container that has the services as a package beside its working folder, and runs no more."""
    made = containers.run(
        *("python3", "-c", SLEEP),
        options=("--stop-signal", "KILL", "-w", "/app", "-e", "PYTHONPATH=lib:/elsewhere"),
    )
    containers.private.client("cp", str(SERVICES), f"{made.name}:/app/services")
    containers.private.client("cp", str(SERVICES), f"{made.name}:/elsewhere")
    containers.private.client("kill", made.name)
    return containers.engine.container(made.name)


def test_a_module_is_read_out_of_a_container_that_has_ended(ended: ContainerFacts) -> None:
    done = call(ended.name, "services.no_lock", "--callable", "services.no_lock:get_model")
    assert (done.returncode, codes(done)) == (1, ["no-lock"])
    assert call(ended.name, "services.double_checked").returncode == 0


def test_a_module_is_looked_for_where_the_variable_says_too(ended: ContainerFacts) -> None:
    done = call(ended.name, "cached")
    assert json.loads(done.stdout)["file"] == "/elsewhere/cached.py"


def test_a_module_that_is_not_there_is_told_with_the_places(ended: ContainerFacts) -> None:
    done = call(ended.name, "services.nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no module services.nothing in /app, /app/lib, /elsewhere" in done.stderr
    assert "names no module" in call(ended.name, "../etc/passwd").stderr


def test_links_are_followed_and_a_package_comes_before_a_module(
    ended: ContainerFacts, containers: Containers, tmp_path: Path
) -> None:
    (tmp_path / "linked.py").symlink_to("services/thread_local.py")
    (tmp_path / "both.py").write_text("raise SystemExit\n")
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "__init__.py").write_bytes((SERVICES / "lock_per_call.py").read_bytes())
    for name in ("linked.py", "both.py", "both"):
        containers.private.client("cp", str(tmp_path / name), f"{ended.name}:/app/{name}")
    assert codes(call(ended.name, "linked")) == ["not-shared"]
    assert codes(call(ended.name, "both")) == ["lock-per-call"]


def test_nothing_is_run_in_it(containers: Containers, engine: Engine) -> None:
    options = ("-v", f"{SERVICES}:/service:ro", "-w", "/service", "-e", "PATH=/nowhere")
    asked = ("run", "--rm", PYTHON_IMAGE, "python3", "-c", "import sys; print(sys.executable)")
    python = containers.private.client(*asked).stdout.strip()
    container = containers.run(python, "-c", SLEEP, options=options)
    assert call(container.name, "silent_double").returncode == 1  # no program of it could have been found
    assert not engine.api().inspect_container(container.id)["ExecIDs"]


def test_a_container_that_the_settings_hide_is_not_read(ended: ContainerFacts, tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text('[containers]\nshow = "allowed"\n')
    done = call(ended.name, "services.no_lock", LOADONCE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (4, "")
    assert "targets.toml hides the container" in done.stderr


def test_an_unknown_container_is_out_of_reach() -> None:
    done = call("nobody", "a")
    assert (done.returncode, "No such container: nobody" in done.stderr) == (4, True)


def test_the_page_reads_it_too(ended: ContainerFacts, private: PrivateEngine, tmp_path: Path) -> None:
    def asked(text: str) -> tuple[str, str]:
        view = audit_in_container(ended.name, text, tmp_path, lambda: Engine.open(private.environment()))
        return view.headline, view.problem

    assert asked("services.no_lock:get_model")[0] == "1 certain finding in get_model."
    assert "has no nobody at module level" in asked("services.no_lock:nobody")[1]
    assert "no module nothing" in asked("nothing")[1]


def test_a_red_probe_names_the_line(containers: Containers) -> None:
    options = ("--label", "loadonce.target=true", "-v", f"{SERVICES}:/service:ro", "-w", "/service")
    container = containers.python(SLEEP, *options)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dashboard", "probe", "--container", container.name, "--json"),
            *("--callable", "lock_per_call:get_model"),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    first = json.loads(done.stdout)["diagnosis"][0]
    assert first["code"] == "lock-per-call"
    assert "/service/lock_per_call.py, line 11" in first["cause"]
