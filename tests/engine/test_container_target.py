"""Runs against real containers: our worker restarted and judged, and everything that can be in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from dashboard.record import RunRecord
from dashboard.runs import PreflightError, Runner
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.targets.container import ContainerTarget
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import PrivateEngine, until

# The SDK leaves the socket of a refused connection to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


class Launcher:
    """Launches runs at containers, with a history of its own."""

    def __init__(self, private: PrivateEngine, store: Store) -> None:
        self._private, self._store = private, store
        self._runners: list[Runner] = []

    def runner(self, name: str, *allowed: str) -> Runner:
        target = ContainerTarget(name, lambda: Engine.open(self._private.environment()), frozenset(allowed))
        self._runners.append(Runner(target, self._store))
        return self._runners[-1]

    def run(self, name: str, *, allowed: tuple[str, ...] = (), **settings: object) -> RunRecord:
        runner = self.runner(name, *allowed)
        run_id = runner.launch(RunSettings(target=f"container:{name}", **settings), actor="test")
        return runner.wait(run_id, 150)

    def close(self) -> None:
        for runner in self._runners:
            runner.close()


@pytest.fixture
def launch(private: PrivateEngine, tmp_path: Path) -> Iterator[Launcher]:
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    launcher = Launcher(private, store)
    yield launcher
    launcher.close()
    store.close()


def codes(record: RunRecord) -> list[str]:
    assert record.verdict is not None
    return [reason.code for reason in record.verdict.reasons]


@pytest.mark.model
def test_our_worker_behind_its_lock_is_green_without_a_control(
    containers: Containers, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    record = launch.run(worker.name, variants_per_job=5)
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict
    assert "no_control" in codes(record)
    assert record.verdict.counts.load_started == record.verdict.counts.unique_models == 1
    assert record.verdict.counts.contended == 5


@pytest.mark.model
def test_our_worker_without_its_lock_is_red(
    containers: Containers, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint, guard="off")
    record = launch.run(worker.name, variants_per_job=5)
    assert record.verdict is not None
    assert record.verdict.verdict == "red", record.verdict
    assert "loaded_twice" in codes(record)


@pytest.mark.model
def test_loads_before_the_restart_do_not_count(
    containers: Containers, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    first = launch.run(worker.name)
    second = launch.run(worker.name)
    assert [codes(first)[0], codes(second)[0]] == ["loaded_once", "loaded_once"]
    log = containers.private.client("logs", worker.name).stdout
    assert log.count("Loading LLaVa model") == 2


@pytest.mark.model
def test_without_a_restart_a_warm_worker_proves_nothing(
    containers: Containers, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    launch.run(worker.name)
    record = launch.run(worker.name, restart=False)
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"


@pytest.mark.model
def test_a_published_port_is_used_where_there_is_one(
    containers: Containers, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint, "-p", "127.0.0.1:18411:8000")
    record = launch.run(worker.name)
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict


@pytest.mark.model
def test_a_worker_that_is_out_of_memory_in_its_load_is_red(
    containers: Containers, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint, "--memory", "160m", "--memory-swap", "160m")
    record = launch.run(worker.name)
    assert record.verdict is not None
    assert record.verdict.verdict != "green", record.verdict


def test_a_container_on_nobody_s_list_is_only_looked_at(containers: Containers, launch: Launcher) -> None:
    stranger = containers.python("import time; time.sleep(600)")
    with pytest.raises(PreflightError, match=r"loadonce\.target=true") as caught:
        launch.run(stranger.name)
    assert caught.value.out_of_reach
    assert containers.engine.container(stranger.name).started_at == stranger.started_at


def test_a_container_may_be_named_in_the_settings_instead(containers: Containers, launch: Launcher) -> None:
    stranger = containers.python("import time; print('up', flush=True); time.sleep(600)")
    runner = launch.runner(stranger.name, stranger.name)
    run_id = runner.launch(RunSettings(target=f"container:{stranger.name}"), actor="test")
    until(lambda: containers.engine.container(stranger.name).started_at != stranger.started_at, 30)
    runner.abort(run_id, actor="test")
    record = runner.wait(run_id, 60)
    assert codes(record)[0] == "aborted"


def test_a_log_that_nobody_keeps_is_refused_before_anything_is_touched(
    containers: Containers, launch: Launcher
) -> None:
    silent = containers.python(
        "import time; time.sleep(600)", "--log-driver", "none", "--label", "loadonce.target=true"
    )
    with pytest.raises(PreflightError, match="json-file"):
        launch.run(silent.name)


def test_an_unknown_container_is_one_sentence(launch: Launcher) -> None:
    with pytest.raises(PreflightError, match="No such container: nobody") as caught:
        launch.run("nobody")
    assert caught.value.out_of_reach


def test_a_worker_that_ends_at_once_is_told_with_its_last_words(
    containers: Containers, launch: Launcher
) -> None:
    broken = containers.python("raise SystemExit('no such model')", "--label", "loadonce.target=true")
    record = launch.run(broken.name)
    assert record.verdict is not None
    assert "no such model" in record.verdict.reasons[0].text


def cli(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *arguments],
        cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.model
def test_the_command_line_restarts_and_judges_a_container(
    containers: Containers, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    done = cli("run", "--target", f"container:{worker.name}", "--json", "--yes")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["load_started"] == 1


@pytest.mark.parametrize(
    ("target", "host", "sentence"),
    [
        ("container:nobody", None, "No such container"),
        ("container:nobody", "unix:///nowhere/docker.sock", "No Docker engine answers"),
        ("container:nobody", "tcp://127.0.0.1:9", "No Docker engine answers"),
    ],
)
def test_what_is_out_of_reach_is_exit_code_4(target: str, host: str | None, sentence: str) -> None:
    done = cli("run", "--target", target, **({"DOCKER_HOST": host} if host else {}))
    assert (done.returncode, done.stdout) == (4, "")
    assert sentence in done.stderr
