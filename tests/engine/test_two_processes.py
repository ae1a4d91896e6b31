"""A container in which two worker processes of ours stand behind one port: each is settled for itself."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from dashboard.engine.facts import ContainerFacts
from tests.engine.conftest import ROOT, Containers
from tests.engine.launcher import Launcher

pytestmark = pytest.mark.model

# One port, and a socket of its own for each process: the kernel deals the connections out among them
TWO = """
import signal, socket, subprocess, sys
doors = [socket.create_server(("", 8000), backlog=128, reuse_port=True) for _ in range(2)]
words = [sys.executable, "-m", "loader.worker", "--fd"]
both = [subprocess.Popen([*words, str(door.fileno())], pass_fds=[door.fileno()]) for door in doors]
for door in doors:
    door.close()  # or it would have a share of its own, which nobody takes
signal.signal(signal.SIGTERM, lambda *_: [each.terminate() for each in both])
sys.exit(max(each.wait() for each in both))
"""


@pytest.fixture
def two(containers: Containers, demo_checkpoint: Path) -> ContainerFacts:
    packages = sysconfig.get_path("purelib")
    options = (
        *("-v", f"{ROOT}:/app:ro", "-v", f"{packages}:/packages:ro", "-v", f"{demo_checkpoint}:/model:ro"),
        *(
            "-w",
            "/app",
            "-e",
            "PYTHONPATH=/packages",
            "-e",
            "PYTHONUNBUFFERED=1",
            "-e",
            "LOADONCE_MODEL=/model",
        ),
        *("--label", "loadonce.target=true"),
    )
    return containers.python(TWO, *options)


@pytest.mark.slow
def test_each_process_that_answered_has_its_whole_load_in_the_evidence(
    two: ContainerFacts, launch: Launcher
) -> None:
    record = launch.run(two.name, variants_per_job=24)
    trial = record.trials[0]
    assert trial.aborted is None, trial.aborted
    assert {variant.state for variant in trial.variants} == {"answered"}
    boots = {variant.boot for variant in trial.variants}
    assert len(boots) == 2
    done = {event.boot for event in trial.events if event.kind == "completed"}
    assert boots == done
    assert record.verdict is not None
    assert (record.verdict.verdict, trial.unasked) == ("green", ()), record.verdict
    assert record.verdict.counts.load_started == record.verdict.counts.workers == 2


@pytest.mark.slow
def test_two_warm_processes_are_not_waited_for_until_the_timeout(
    two: ContainerFacts, launch: Launcher
) -> None:
    launch.run(two.name, variants_per_job=24)
    trial = launch.run(two.name, variants_per_job=24, restart=False).trials[0]
    assert trial.aborted is None, trial.aborted
    assert trial.verdict is not None
    assert trial.verdict.verdict == "inconclusive"
