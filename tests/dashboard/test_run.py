"""What ends a run short, or keeps it from being kept: never green by it, and never silent."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import dashboard.trial
from dashboard.evidence import Verdict
from dashboard.run import Run
from dashboard.runs import Runner
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.targets.local import LocalTarget
from dashboard.wording import headline
from tests.dashboard.hooked import THREE, HookedStore, HookedTarget, abort, made, outcome, verdict_of

pytestmark = pytest.mark.model


@pytest.fixture
def target(local_target: LocalTarget) -> HookedTarget:
    return HookedTarget(local_target)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HookedStore]:
    opened = HookedStore.open(f"sqlite:///{tmp_path / 'history.db'}", lock_wait_s=0.05)
    assert isinstance(opened, HookedStore)
    yield opened
    opened.close()


@pytest.fixture
def runner(target: HookedTarget, store: HookedStore) -> Iterator[Runner]:
    made = Runner(target, store)
    yield made
    made.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program that holds the history's write lock."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


# -- aborts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [replace(THREE, repeat=5), replace(THREE, control=None)],
    ids=["between two trials", "before the control"],
)
def test_an_abort_after_a_green_trial_is_not_green(
    runner: Runner, store: HookedStore, settings: RunSettings
) -> None:
    store.after = lambda source: abort(runner)
    record = made(runner, settings)
    assert [trial.verdict.verdict for trial in record.trials if trial.verdict] == ["green"]
    assert (record.status, *outcome(record)) == ("aborted", "inconclusive", "aborted")


def test_an_abort_after_a_red_trial_is_red(runner: Runner, store: HookedStore) -> None:
    store.after = lambda source: abort(runner)
    record = made(runner, replace(THREE, guard="no-second-check", repeat=5))
    assert (record.status, *outcome(record)) == ("aborted", "red", "loaded_twice")


def test_an_aborted_control_is_no_try_of_it(runner: Runner, target: HookedTarget) -> None:
    def before(source: str, settings: RunSettings) -> RunSettings:
        if source == "control-1":
            abort(runner)
        return settings

    target.before = before
    record = made(runner, replace(THREE, control=None))
    assert [trial.role for trial in record.trials] == ["trial", "control"]
    assert record.control is None
    assert outcome(record) == ("inconclusive", "aborted")


# -- faults of the console -------------------------------------------------------------------------------


def test_a_trial_that_the_system_refuses_is_not_green_and_names_the_cause(
    runner: Runner, target: HookedTarget
) -> None:
    def before(source: str, settings: RunSettings) -> RunSettings:
        if source == "trial-2":
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return settings

    target.before = before
    record = made(runner, replace(THREE, repeat=3))
    assert [trial.verdict.verdict for trial in record.trials if trial.verdict] == [
        "green",
        "inconclusive",
        "green",
    ]
    assert outcome(record) == ("inconclusive", "aborted")
    assert "Resource temporarily unavailable" in verdict_of(record).reasons[0].text


def test_a_run_that_breaks_off_after_a_green_trial_is_not_green(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, judged = dashboard.trial.judge, []

    def broken(evidence: Any) -> Verdict:
        judged.append(evidence)
        if len(judged) == 2:
            raise MemoryError("no more")
        return judge(evidence)

    monkeypatch.setattr(dashboard.trial, "judge", broken)
    record = made(runner, replace(THREE, repeat=3))
    assert (record.status, *outcome(record)) == ("failed", "inconclusive", "aborted")
    assert "(MemoryError: no more)" in verdict_of(record).reasons[0].text
    assert "1 of 3 trials" in verdict_of(record).reasons[0].text
    assert headline(record, record.verdict) == "The run broke off"


def test_a_run_that_breaks_off_after_a_red_trial_is_red_and_says_both(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, judged = dashboard.trial.judge, []

    def broken(evidence: Any) -> Verdict:
        judged.append(evidence)
        if len(judged) == 2:
            raise MemoryError("no more")
        return judge(evidence)

    monkeypatch.setattr(dashboard.trial, "judge", broken)
    record = made(runner, replace(THREE, guard="no-second-check", repeat=3))
    assert outcome(record) == ("red", "loaded_twice")
    assert "(MemoryError: no more)" in record.warnings[0]


def test_a_run_that_gets_no_thread_ends_at_once_and_is_kept(
    target: HookedTarget, store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    run = Run("20261123-084512-3f9c1a", THREE, "test", target, store)
    monkeypatch.setattr(run._thread, "start", refuse)
    run.start()
    assert run.wait(0)
    assert run.record().status == "failed"
    assert "can't start new thread" in verdict_of(run.record()).reasons[0].text
    assert store.load("20261123-084512-3f9c1a") == run.record()


# -- the history -----------------------------------------------------------------------------------------


def test_a_history_that_refuses_the_run_is_told_once(
    runner: Runner, store: HookedStore, tmp_path: Path
) -> None:
    run_id = refused(runner, store, tmp_path, replace(THREE, repeat=4))
    record = runner.record(run_id)
    assert record is not None
    assert record.unkept is not None
    assert record.unkept.startswith("The history does not hold this result. The run history")
    assert record.warnings == (record.unkept,)
    assert verdict_of(record).verdict == "green"


def test_what_the_history_refused_is_kept_at_the_next_launch(
    runner: Runner, store: HookedStore, tmp_path: Path
) -> None:
    run_id = refused(runner, store, tmp_path, replace(THREE, repeat=4))
    made(runner, THREE)
    assert_kept(runner, store, run_id, logs=4)


def test_what_the_history_refused_is_kept_at_the_close(
    runner: Runner, store: HookedStore, tmp_path: Path
) -> None:
    run_id = refused(runner, store, tmp_path, replace(THREE, repeat=4))
    runner.close()
    assert_kept(runner, store, run_id, logs=4)


def refused(runner: Runner, store: HookedStore, folder: Path, settings: RunSettings) -> str:
    """Make a run whose history is locked by another program from the end of its first trial on."""
    lock = locked(folder / "history.db")

    def after(source: str) -> None:
        if source == "trial-1":
            lock.__enter__()

    store.after = after
    run_id = runner.launch(settings, actor="test")
    runner.wait(run_id, 120)
    held = store.load(run_id)
    lock.__exit__(None, None, None)
    store.after = lambda source: None
    assert held is None or held.verdict is None
    return run_id


def assert_kept(runner: Runner, store: HookedStore, run_id: str, *, logs: int) -> None:
    record = runner.record(run_id)
    assert record is not None
    assert record.unkept is None
    assert record.warnings == ()
    assert store.load(run_id) == record
    assert len(store.sources(run_id)) == logs


# -- the end of the console ------------------------------------------------------------------------------


class StuckTarget(HookedTarget):
    """Its second start does not come back before the target, or the test, lets it go."""

    def __init__(self, target: LocalTarget, *, lets_go: bool) -> None:
        super().__init__(target)
        self._lets_go = lets_go
        self.stuck, self.free = threading.Event(), threading.Event()
        self.before = self._hold

    def _hold(self, source: str, settings: RunSettings) -> RunSettings:
        if source == "trial-2":
            self.stuck.set()
            assert self.free.wait(60)
        return settings

    def close(self) -> None:
        if self._lets_go:
            self.free.set()


def closed(target: StuckTarget, store: Store, monkeypatch: pytest.MonkeyPatch) -> tuple[Runner, str]:
    """A runner that was closed while its run was stuck."""
    monkeypatch.setattr("dashboard.runs._CLOSE_TIMEOUT_S", 2.0)
    runner = Runner(target, store)
    run_id = runner.launch(replace(THREE, repeat=3), actor="test")
    assert target.stuck.wait(60)
    runner.close()
    return runner, run_id


def test_a_run_that_was_stuck_in_its_target_has_ended_and_is_kept_when_the_runner_is_closed(
    local_target: LocalTarget, store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run_id = closed(StuckTarget(local_target, lets_go=True), store, monkeypatch)
    kept = store.load(run_id)
    assert kept is not None
    assert (kept.status, *outcome(kept)) == ("interrupted", "inconclusive", "aborted")


def test_a_run_that_stays_stuck_is_told_when_the_runner_is_closed(
    local_target: LocalTarget,
    store: HookedStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    target = StuckTarget(local_target, lets_go=False)
    runner, run_id = closed(target, store, monkeypatch)
    target.free.set()
    runner.wait(run_id, 60)
    assert f"Run {run_id} did not end with the console" in caplog.text
