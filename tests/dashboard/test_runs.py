"""Whole runs on the local target: real processes, real models, real verdicts."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.home import PROJECT_ROOT
from dashboard.record import RunRecord
from dashboard.revision import git_revision
from dashboard.runs import PreflightError, RunInProgress, Runner
from dashboard.settings import RunSettings, SettingsError
from dashboard.store import Store

pytestmark = pytest.mark.model

FIVE = RunSettings(variants_per_job=5)


def made(runner: Runner, settings: RunSettings) -> RunRecord:
    return runner.wait(runner.launch(settings, actor="test"), 120)


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that the system reaches by itself."""
    tick = threading.Event()
    for _ in range(3000):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("the condition was not reached")


def events_of(runner: Runner, run_id: str) -> list[str]:
    record = runner.record(run_id)
    assert record is not None
    return [event.kind for trial in record.trials for event in trial.events]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").read_text().split(") ")[1].startswith("Z")


@pytest.fixture(scope="module")
def twins(local_target: object, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, RunRecord]:
    """The same run with the guard on and off."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('twins') / 'history.db'}")
    runner = Runner(local_target, store)  # type: ignore[arg-type]  # the fixture's type is the target's
    guarded = made(runner, FIVE)
    unguarded = made(runner, RunSettings(variants_per_job=5, guard="off"))
    store.close()
    return guarded, unguarded


def test_five_variants_with_the_guard_on_are_green_with_one_load(twins: tuple[RunRecord, RunRecord]) -> None:
    verdict = twins[0].verdict
    assert verdict is not None
    assert verdict.verdict == "green", verdict.reasons
    counts = verdict.counts
    assert (counts.load_started, counts.load_completed, counts.unique_models) == (1, 1, 1)
    assert (counts.variants, counts.variants_ok, counts.meta_tensor_errors) == (5, 5, 0)


def test_five_variants_with_the_guard_off_are_red(twins: tuple[RunRecord, RunRecord]) -> None:
    verdict = twins[1].verdict
    assert verdict is not None
    assert verdict.verdict == "red", verdict.reasons
    assert verdict.counts.load_started > 1


def test_a_green_run_had_a_control_that_went_red(twins: tuple[RunRecord, RunRecord]) -> None:
    control = twins[0].control
    assert control is not None
    assert (control.verdict, control.guard) == ("red", "off")


def test_a_run_with_the_guard_off_has_no_control(twins: tuple[RunRecord, RunRecord]) -> None:
    assert twins[1].control is None


def test_every_variant_waited_for_the_one_load(twins: tuple[RunRecord, RunRecord]) -> None:
    verdict = twins[0].verdict
    assert verdict is not None
    assert verdict.counts.contended == 5


def test_the_skew_of_the_release_is_recorded(twins: tuple[RunRecord, RunRecord]) -> None:
    trial = twins[0].shown_trial
    assert trial is not None
    assert trial.skew_ms is not None


def test_the_versions_of_the_libraries_are_recorded(twins: tuple[RunRecord, RunRecord]) -> None:
    assert {"torch", "transformers", "accelerate"} <= twins[0].versions.keys()
    assert ("git revision" in twins[0].versions) == (git_revision(PROJECT_ROOT) is not None)


def test_each_trial_has_a_worker_process_of_its_own(runner: Runner) -> None:
    record = made(runner, RunSettings(variants_per_job=2, repeat=3, control=False))
    boots = {worker.boot for trial in record.trials for worker in trial.workers}
    assert len(boots) == 3


def test_no_worker_outlives_its_trial(twins: tuple[RunRecord, RunRecord]) -> None:
    pids = [worker.pid for run in twins for trial in run.trials for worker in trial.workers]
    assert pids
    assert not [pid for pid in pids if pid is not None and is_alive(pid)]


@pytest.mark.parametrize("guard", ["no-second-check", "per-model"])
def test_a_faulty_guard_is_red(runner: Runner, guard: str) -> None:
    # Two models with a lock each pass by luck, four times in ten here: twelve times in a row they do not.
    record = made(runner, RunSettings(variants_per_job=6, guard=guard, repeat=12))  # type: ignore[arg-type]
    assert record.verdict is not None
    assert record.verdict.verdict == "red", record.verdict.reasons


def test_a_lone_variant_proves_nothing(runner: Runner) -> None:
    record = made(runner, RunSettings(variants_per_job=1))
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert [reason.code for reason in record.verdict.reasons] == ["no_contention"]


def test_a_run_is_in_the_history_with_its_log(runner: Runner, store: Store) -> None:
    record = made(runner, FIVE)
    assert store.load(record.run_id) == record
    log = store.log(record.run_id, "trial-1")
    assert sum("Loading LLaVa model" in line.text for line in log) == 1


def test_a_second_run_is_refused_while_one_is_under_way(runner: Runner) -> None:
    run_id = runner.launch(RunSettings(repeat=50, control=False), actor="test")
    with pytest.raises(RunInProgress, match=run_id):
        runner.launch(FIVE, actor="test")
    runner.abort(run_id, actor="test")
    runner.wait(run_id, 60)


def test_an_aborted_run_keeps_what_it_has_seen(runner: Runner, store: Store) -> None:
    run_id = runner.launch(RunSettings(variants_per_job=4, repeat=200, control=False), actor="test")
    until(lambda: events_of(runner, run_id).count("completed") >= 2)
    assert runner.abort(run_id, actor="test")
    record = runner.wait(run_id, 60)
    assert record.status == "aborted"
    kept = store.load(run_id)
    assert kept is not None
    assert kept.trials[0].verdict is not None
    assert kept.trials[0].verdict.verdict == "green"


def test_an_aborted_run_is_never_green(runner: Runner) -> None:
    run_id = runner.launch(RunSettings(variants_per_job=4, repeat=200, control=False), actor="test")
    until(lambda: events_of(runner, run_id).count("completed") >= 2)
    runner.abort(run_id, actor="test")
    record = runner.wait(run_id, 60)
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"


def test_a_worker_killed_in_the_middle_of_its_load_is_red(runner: Runner) -> None:
    run_id = runner.launch(FIVE, actor="test")
    until(lambda: "started" in events_of(runner, run_id))
    live = runner.record(run_id)
    assert live is not None
    pid = live.trials[0].workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    record = runner.wait(run_id, 60)
    assert record.verdict is not None
    assert record.verdict.verdict == "red", record.verdict.reasons
    assert "died" in record.verdict.reasons[0].text or "killed" in record.verdict.reasons[0].text


def test_a_closed_runner_leaves_the_run_interrupted_and_no_worker(demo_home: Path, store: Store) -> None:
    from dashboard.runs import open_runner

    runner = open_runner(store, demo_home)
    run_id = runner.launch(RunSettings(repeat=200, control=False), actor="test")
    until(lambda: "started" in events_of(runner, run_id))
    runner.close()
    runner.close()
    record = store.load(run_id)
    assert record is not None
    assert record.status == "interrupted"
    pids = [worker.pid for trial in record.trials for worker in trial.workers]
    assert not [pid for pid in pids if pid is not None and is_alive(pid)]


def test_a_missing_checkpoint_is_an_error_of_its_field(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        runner.launch(RunSettings(model=str(tmp_path / "nowhere")), actor="test")
    assert "nowhere" in caught.value.errors["model"]


def test_a_half_written_checkpoint_is_an_error_of_its_field(
    runner: Runner, demo_checkpoint: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(demo_checkpoint, broken)
    shard = sorted(broken.glob("*.safetensors"))[3]
    shard.unlink()
    with pytest.raises(SettingsError) as caught:
        runner.launch(RunSettings(model=str(broken)), actor="test")
    assert shard.name in caught.value.errors["model"]


def test_a_folder_that_is_no_llava_is_an_error_of_its_field(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(SettingsError) as caught:
        runner.launch(RunSettings(model=str(tmp_path)), actor="test")
    assert "bert" in caught.value.errors["model"]


def test_a_demo_that_cannot_be_made_stops_the_run_before_it_starts(tmp_path: Path, store: Store) -> None:
    from dashboard.runs import open_runner

    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    runner = open_runner(store, tmp_path)
    try:
        with pytest.raises(PreflightError, match="checkpoints"):
            runner.launch(FIVE, actor="test")
        assert runner.active() is None
    finally:
        runner.close()


def test_a_settled_run_is_found_by_every_reader_at_once(runner: Runner) -> None:
    run_id = runner.launch(FIVE, actor="test")
    seen: list[str] = []
    readers = [
        threading.Thread(target=lambda: seen.append(str(runner.wait(run_id, 60).status))) for _ in range(6)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert seen == ["finished"] * 6


@pytest.mark.slow
def test_two_hundred_variants_at_once_are_one_load(runner: Runner) -> None:
    record = made(runner, RunSettings(jobs=20, variants_per_job=10, control=False))
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict.reasons
    assert record.verdict.counts.variants_ok == 200
