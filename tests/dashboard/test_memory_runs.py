"""The memory of real workers with a real model of 360 MB: loaded once, and held twice in secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.memory import steps_of
from dashboard.record import RunRecord
from dashboard.report import run_json
from dashboard.runs import Runner
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.targets.local import LocalTarget
from tests.dashboard.secret_double import SecretDoubles

pytestmark = [pytest.mark.model, pytest.mark.slow]


@pytest.fixture
def settings(weighty_checkpoint: Path) -> RunSettings:
    return RunSettings(variants_per_job=2, control=False, model=str(weighty_checkpoint))


@pytest.fixture
def doubling(demo_home: Path, store: Store) -> Iterator[Runner]:
    """A runner whose workers hold their model twice, and say nothing of it."""
    target = LocalTarget(demo_home)
    # The preloaded process stays for the warmth that is asked of it; the workers are the test's
    target._preloaded.start = SecretDoubles().start  # type: ignore[assignment,method-assign]
    runner = Runner(target, store)
    yield runner
    runner.close()


def made(runner: Runner, settings: RunSettings) -> RunRecord:
    return runner.wait(runner.launch(settings, actor="test"), 300)


def test_a_model_that_is_loaded_once_is_one_step_and_the_memory_agrees(
    runner: Runner, store: Store, settings: RunSettings
) -> None:
    record = made(runner, settings)
    (trial,) = record.trials
    steps = steps_of(trial.memory, trial.released_at)
    assert (steps.silent, steps.copies) == ("", 1)
    assert steps.size > 300_000_000
    told = run_json(record)
    assert (told["verdict"], told["witnesses"]["memory"], told["witnesses"]["report"]) == (
        "green",
        "agrees",
        "agrees",
    )
    assert "memory" not in told["not_checked"]
    assert store.load(record.run_id) == record


def test_a_model_that_is_held_twice_in_secret_is_told_by_the_memory_alone(
    doubling: Runner, settings: RunSettings
) -> None:
    told = run_json(made(doubling, settings))
    assert told["verdict"] == "inconclusive"
    assert [reason["code"] for reason in told["reasons"]] == ["witness_disagrees"]
    assert "it holds 2 models more than before the first load" in told["reasons"][0]["text"]
    assert told["witnesses"] == {
        "log": "agrees",
        "identity": "agrees",
        "memory": "disagrees",
        "report": "agrees",
    }
    assert (told["counts"]["load_started"], told["counts"]["unique_models"]) == (1, 1)


def test_a_worker_tells_of_its_own_memory_what_the_kernel_tells_of_it(
    runner: Runner, settings: RunSettings, local_target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the kernel is another machine's: the worker's own word takes its place."""
    monkeypatch.setattr("dashboard.targets.local.pss_of", lambda pid: None)
    (trial,) = made(runner, settings).trials
    assert trial.memory is not None
    assert {sample.told_by for sample in trial.memory.samples} == {"worker"}
    assert steps_of(trial.memory, trial.released_at).copies == 1
