"""What containers hold: read from the kernel that runs them, or told by our worker where that is another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.memory import steps_of
from dashboard.record import TrialRecord
from dashboard.targets import process_memory
from tests.engine.conftest import Containers as Made
from tests.engine.launcher import Launcher, codes, service, stranger

MODEL_MB = 1250
ONE = f"kept.append(bytearray(b'x') * {MODEL_MB * 1_000_000})"
SETUP = "kept = []\n"


def weighed(containers: Made, launch: Launcher, work: str) -> TrialRecord:
    """A trial of a stranger's service whose model has a size named in the settings."""
    stranger(containers, launch, SETUP + service(work=work))
    launch.targets["yh"] = replace(launch.targets["yh"], model_mb=float(MODEL_MB))
    (trial,) = launch.run("yh", variants_per_job=3).trials
    return trial


@pytest.mark.model
def test_the_memory_of_our_worker_is_read_from_the_kernel(
    containers: Made, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    (trial,) = launch.run(worker.name).trials
    assert trial.memory is not None
    assert {sample.told_by for sample in trial.memory.samples} == {"kernel"}
    held = [sample.pss or 0 for sample in trial.memory.samples]
    ground = trial.memory.yardstick.ground
    assert ground is not None
    assert 100_000_000 < ground < held[-1] < 1_000_000_000
    assert "The model takes 27 MB: under 200 MB" in steps_of(trial.memory, trial.released_at).silent


@pytest.mark.model
def test_where_the_kernel_is_another_machine_s_our_worker_tells_of_itself(
    containers: Made,
    launch: Launcher,
    demo_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(process_memory, "_PROC", tmp_path)
    worker = containers.worker(demo_checkpoint)
    (trial,) = launch.run(worker.name).trials
    assert trial.memory is not None
    assert {sample.told_by for sample in trial.memory.samples} == {"worker"}
    assert trial.memory.settled


def test_a_stranger_that_holds_its_model_once_is_one_step(containers: Made, launch: Launcher) -> None:
    trial = weighed(containers, launch, ONE)
    assert steps_of(trial.memory, trial.released_at).copies == 1
    assert trial.verdict is not None
    assert (trial.verdict.verdict, trial.verdict.witnesses.memory) == ("green", "agrees")


def test_a_stranger_that_holds_it_twice_behind_one_load_line_is_no_green(
    containers: Made, launch: Launcher
) -> None:
    trial = weighed(containers, launch, f"{ONE}; {ONE}")
    assert trial.verdict is not None
    assert trial.verdict.verdict == "inconclusive"
    assert [reason.code for reason in trial.verdict.reasons] == ["witness_disagrees"]
    assert steps_of(trial.memory, trial.released_at).copies == 2


def test_a_stranger_whose_model_has_no_named_size_has_a_silent_memory(
    containers: Made, launch: Launcher
) -> None:
    stranger(containers, launch, service())
    record = launch.run("yh", variants_per_job=3)
    (trial,) = record.trials
    assert "size is not known" in steps_of(trial.memory, trial.released_at).silent
    assert codes(record)[0] == "loaded_once"
