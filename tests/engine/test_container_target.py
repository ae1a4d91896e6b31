"""Runs against real containers: our worker restarted and judged, and everything that can be in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from dashboard.commands import OutOfReach
from dashboard.commands.restarting import ask_first
from dashboard.engine.connection import Engine
from dashboard.runs import PreflightError
from dashboard.settings import RunSettings
from dashboard.target_settings import (
    CommandTrigger,
    HttpTrigger,
    Ready,
    TargetEntry,
)
from dashboard.targets.base import TargetError
from dashboard.targets.container import ContainerTarget
from tests.engine.conftest import ROOT
from tests.engine.conftest import Containers as Made
from tests.engine.launcher import GUARDED, READY, UNCHECKED, UNGUARDED, Launcher, codes, stranger_run
from tests.engine.private_engine import PrivateEngine, until


@pytest.mark.model
def test_our_worker_behind_its_lock_is_green_without_a_control(
    containers: Made, launch: Launcher, demo_checkpoint: Path
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
    containers: Made, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint, guard="off")
    record = launch.run(worker.name, variants_per_job=5)
    assert record.verdict is not None
    assert record.verdict.verdict == "red", record.verdict
    assert "loaded_twice" in codes(record)


@pytest.mark.model
def test_loads_before_the_restart_do_not_count(
    containers: Made, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    first = launch.run(worker.name)
    second = launch.run(worker.name)
    assert [codes(first)[0], codes(second)[0]] == ["loaded_once", "loaded_once"]
    log = containers.private.client("logs", worker.name).stdout
    assert log.count("Loading LLaVa model") == 2


@pytest.mark.model
def test_without_a_restart_a_warm_worker_proves_nothing(
    containers: Made, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    launch.run(worker.name)
    record = launch.run(worker.name, restart=False)
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"


@pytest.mark.model
def test_a_published_port_is_used_where_there_is_one(
    containers: Made, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint, "-p", "127.0.0.1:18411:8000")
    record = launch.run(worker.name)
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict


@pytest.mark.model
def test_a_worker_with_too_little_memory_is_never_green(
    containers: Made, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint, "--memory", "160m", "--memory-swap", "160m")
    record = launch.run(worker.name)
    assert record.verdict is not None
    assert record.verdict.verdict != "green", record.verdict


def test_a_container_on_nobody_s_list_is_only_looked_at(containers: Made, launch: Launcher) -> None:
    stranger = containers.python("import time; time.sleep(600)")
    with pytest.raises(PreflightError, match=r"loadonce\.target=true") as caught:
        launch.run(stranger.name)
    assert caught.value.out_of_reach
    assert containers.engine.container(stranger.name).started_at == stranger.started_at


def test_a_container_may_be_named_in_the_settings_instead(containers: Made, launch: Launcher) -> None:
    stranger = containers.python("import time; print('up', flush=True); time.sleep(600)")
    runner = launch.runner(stranger.name, stranger.name)
    run_id = runner.launch(RunSettings(target=f"container:{stranger.name}"), actor="test")
    until(lambda: containers.engine.container(stranger.name).started_at != stranger.started_at, 30)
    runner.abort(run_id, actor="test")
    record = runner.wait(run_id, 60)
    assert codes(record)[0] == "aborted"


def test_a_log_that_nobody_keeps_is_refused_before_anything_is_touched(
    containers: Made, launch: Launcher
) -> None:
    silent = containers.python(
        "import time; time.sleep(600)", "--log-driver", "none", "--label", "loadonce.target=true"
    )
    with pytest.raises(PreflightError, match="json-file"):
        launch.run(silent.name)


@pytest.mark.parametrize("restart", [True, False])
def test_a_container_that_lost_its_label_since_the_launch_is_left_alone(
    containers: Made, launch: Launcher, private: PrivateEngine, *, restart: bool
) -> None:
    script = "import time; time.sleep(600)"
    first = containers.python(script, "--label", "loadonce.target=true")
    target = ContainerTarget(first.name, lambda: Engine.open(private.environment()))
    settings = RunSettings(target=f"container:{first.name}", restart=restart)
    with closing(target):
        target.preflight(settings)
        private.client("rm", "-f", first.name)
        second = containers.python(script, name=first.name)
        with pytest.raises(TargetError, match="may only be looked at"):
            target.start(settings, "on", "Trial 1", lambda lines: None)
    assert containers.engine.container(first.name).started_at == second.started_at


def test_nothing_is_run_in_a_container_on_nobody_s_list(containers: Made, private: PrivateEngine) -> None:
    stranger = containers.python("import time; time.sleep(600)")
    target = ContainerTarget(stranger.name, lambda: Engine.open(private.environment()))
    with closing(target), pytest.raises(TargetError, match="may only be looked at"):
        target.disturbs()


def test_the_command_line_does_not_ask_about_a_restart_that_would_be_refused(
    containers: Made, private: PrivateEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = containers.python(
        "import time; time.sleep(600)", "--log-driver", "none", "--label", "loadonce.target=true"
    )
    for name, value in {**private.environment(), "LOADONCE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OutOfReach, match="json-file"):
        ask_first(RunSettings(target=f"container:{silent.name}"))


SYSLOG = ("--log-driver", "syslog", "--log-opt", "syslog-address=udp://127.0.0.1:55514")


@pytest.mark.parametrize("readable", [True, False])
def test_a_log_sent_elsewhere_is_tested_while_the_engine_keeps_a_copy(
    containers: Made, private: PrivateEngine, *, readable: bool
) -> None:
    cache = () if readable else ("--log-opt", "cache-disabled=true")
    far = containers.python(
        "import time; time.sleep(600)", *SYSLOG, *cache, "--label", "loadonce.target=true"
    )
    target = ContainerTarget(far.name, lambda: Engine.open(private.environment()))
    refusal = nullcontext() if readable else pytest.raises(TargetError, match="'syslog', and cannot be read")
    with closing(target), refusal:
        target.preflight(RunSettings(target=f"container:{far.name}"))


def test_an_unknown_container_is_one_sentence(launch: Launcher) -> None:
    with pytest.raises(PreflightError, match="No such container: nobody") as caught:
        launch.run("nobody")
    assert caught.value.out_of_reach


def test_a_worker_that_ends_at_once_is_told_with_its_last_words(containers: Made, launch: Launcher) -> None:
    broken = containers.python("raise SystemExit('no such model')", "--label", "loadonce.target=true")
    record = launch.run(broken.name)
    assert record.verdict is not None
    assert "no such model" in record.verdict.reasons[0].text


@pytest.mark.parametrize("ready", ["http", "log"])
def test_a_stranger_behind_a_lock_is_green_and_what_nobody_knows_is_listed(
    containers: Made, launch: Launcher, ready: str
) -> None:
    record = stranger_run(containers, launch, GUARDED, READY[ready])
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict
    assert (record.verdict.counts.contended or 0) >= 2
    assert "identity" in record.verdict.not_checked


@pytest.mark.parametrize("script", [UNGUARDED, UNCHECKED], ids=["no lock", "no second check"])
def test_a_stranger_that_loads_more_than_once_is_red(containers: Made, launch: Launcher, script: str) -> None:
    record = stranger_run(containers, launch, script)
    assert record.verdict is not None
    assert record.verdict.verdict == "red", record.verdict
    assert codes(record)[0] == "loaded_twice"


def test_a_stranger_is_triggered_by_a_command_in_it(containers: Made, launch: Launcher) -> None:
    service = containers.python(GUARDED)
    work = (
        "import sys, urllib.request as u\n"
        "u.urlopen(u.Request('http://127.0.0.1:9000/work', b'{}', method='POST'))"
    )
    launch.targets["yh"] = TargetEntry(
        container=service.name,
        ready=READY["http"],
        trigger=CommandTrigger(command=("python3", "-c", work, "{variant_id}")),
    )
    record = launch.run("yh")
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict


def test_a_stranger_that_is_never_ready_is_told_by_what_was_waited_for(
    containers: Made, launch: Launcher
) -> None:
    record = stranger_run(containers, launch, GUARDED, Ready(log="no such words", timeout_s=2.0))
    assert "no line of its log holds 'no such words'" in record.verdict.reasons[0].text  # type: ignore[union-attr]


def test_a_port_that_nobody_listens_on_is_one_sentence(containers: Made, launch: Launcher) -> None:
    service = containers.python(GUARDED)
    launch.targets["yh"] = TargetEntry(
        container=service.name, ready=READY["http"], trigger=HttpTrigger(path="/work", port=9001)
    )
    record = launch.run("yh")
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert "9001" in record.verdict.reasons[0].text


def test_a_compose_service_is_found_by_its_labels(containers: Made, launch: Launcher) -> None:
    labels = ("--label", "com.docker.compose.service=yh", "--label", "com.docker.compose.project=feedlyai")
    service = containers.python(GUARDED, *labels)
    launch.targets["yh"] = TargetEntry(
        service="yh", ready=READY["http"], trigger=HttpTrigger(path="/work", port=9000, body={})
    )
    record = launch.run("yh")
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict
    assert containers.engine.container(service.name).started_at != service.started_at


def cli(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *arguments],
        cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.model
def test_the_command_line_restarts_and_judges_a_container(containers: Made, demo_checkpoint: Path) -> None:
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


def test_a_service_that_dies_silently_after_its_answers_is_not_green(
    containers: Made, launch: Launcher
) -> None:
    death = "threading.Timer(0.3, lambda: __import__('os')._exit(7)).start()"
    answer = 'self.wfile.write(b"done")'
    record = stranger_run(containers, launch, GUARDED.replace(answer, f"{answer}; {death}"))
    assert record.verdict is not None
    assert record.verdict.verdict != "green", record.verdict
