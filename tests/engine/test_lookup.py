"""A container is found by its name or id, or by the compose service that it is of."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import ContainerGone, EngineError
from dashboard.profiles import PROFILES
from dashboard.settings import RunSettings
from dashboard.target_settings import CommandTrigger, TargetEntry, TargetSettings
from dashboard.targets.base import TargetError
from dashboard.targets.container import ContainerTarget
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import PrivateEngine, until

SLEEP = "print('up'); import time; time.sleep(600)"
ENDS = "print('up')"

Make = Callable[..., ContainerFacts]


@pytest.fixture
def of_service(containers: Containers) -> Make:
    def make(service: str, *labels: str, script: str = SLEEP) -> ContainerFacts:
        marks = (f"com.docker.compose.service={service}", *labels)
        made = containers.python(script, *(part for mark in marks for part in ("--label", mark)))
        until(lambda: "up" in containers.private.client("logs", made.name).stdout, 30)
        if script == ENDS:
            until(lambda: containers.engine.container(made.id).state == "exited", 30)
        return made

    return make


def test_a_service_means_its_one_container(of_service: Make, engine: Engine) -> None:
    made = of_service("lookup-a")
    assert engine.container("lookup-a").id == made.id


def test_of_a_service_the_container_that_runs_is_meant(of_service: Make, engine: Engine) -> None:
    of_service("lookup-b", script=ENDS)
    running = of_service("lookup-b")
    assert engine.container("lookup-b").id == running.id


def test_of_a_service_that_does_not_run_its_only_container_is_meant(of_service: Make, engine: Engine) -> None:
    assert of_service("lookup-c", script=ENDS).id == engine.container("lookup-c").id


def test_what_compose_ran_once_is_not_the_service(of_service: Make, engine: Engine) -> None:
    of_service("lookup-d", "com.docker.compose.oneoff=True")
    with pytest.raises(ContainerGone, match="No such container: lookup-d"):
        engine.container("lookup-d")


def test_several_containers_of_a_service_are_listed(of_service: Make, engine: Engine) -> None:
    names = sorted(of_service("lookup-e").name for _ in range(2))
    with pytest.raises(EngineError, match=rf"lookup-e has 2 containers \({names[0]}, {names[1]}\). Name one"):
        engine.container("lookup-e")


def test_a_container_s_own_name_goes_before_a_service(containers: Containers, of_service: Make) -> None:
    container = containers.python(SLEEP)
    of_service(container.name)
    assert containers.engine.container(container.name).id == container.id


def test_a_service_goes_before_the_beginning_of_an_id(containers: Containers, of_service: Make) -> None:
    container = containers.python(SLEEP)
    assert containers.engine.container(container.id[:6]).id == container.id
    service = of_service(container.id[:6])
    assert containers.engine.container(container.id[:6]).id == service.id
    assert containers.engine.container(container.id[:12]).id == container.id


def cli(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *arguments],
        cwd=ROOT,
        env=os.environ | {"LOADONCE_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_command_takes_a_service_for_its_container(of_service: Make, tmp_path: Path) -> None:
    made = of_service("lookup-f", "loadonce.target=true")
    assert cli(tmp_path, "logs", "--container", "lookup-f").stdout == "up\n"
    assert "No load was seen" in cli(tmp_path, "verdict", "--container", "lookup-f").stderr
    probe = cli(tmp_path, "probe", "--container", "lookup-f", "--callable", "gc:isenabled")
    assert probe.returncode == 3, probe.stderr
    (tmp_path / "targets.toml").write_text(
        f'[targets.x]\ncontainer = "{made.name}"\ntrigger = {{ kind = "http", path = "/", port = 5998 }}\n'
    )
    run = cli(tmp_path, "run", "--target", "container:lookup-f", "--no-restart")
    assert (run.returncode, ":5998 (Connection refused)" in run.stderr) == (4, True)


def test_a_restart_of_a_service_that_nobody_allowed_is_refused_by_the_container_s_name(
    of_service: Make, private: PrivateEngine
) -> None:
    made = of_service("lookup-g")
    target = ContainerTarget("lookup-g", lambda: Engine.open(private.environment()))
    with closing(target), pytest.raises(TargetError, match=f"{made.name} may only be looked at"):
        target.preflight(RunSettings(target="container:lookup-g"))


def test_a_container_named_by_its_service_has_the_entry_of_its_name(
    of_service: Make, private: PrivateEngine
) -> None:
    made = of_service("lookup-h")
    entry = TargetEntry(container=made.name, profile="feedlyai", trigger=CommandTrigger(("true",)))
    settings = TargetSettings(targets={"x": entry})
    target = ContainerTarget("lookup-h", lambda: Engine.open(private.environment()), settings)
    with closing(target):
        target.preflight(RunSettings(target="container:lookup-h"))
        assert target.profile is PROFILES["feedlyai"]
