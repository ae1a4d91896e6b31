"""One trial: when it counts as settled, and what ends it early. On the real target where one is needed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.evidence import LogLine, Worker, WorkerEnd
from dashboard.record import Step, TrialRecord
from dashboard.settings import RunSettings
from dashboard.targets.local import LocalSession, LocalTarget
from dashboard.trial import Trial
from dashboard.triggers.http_release import HttpRelease
from tests.dashboard.worker_log import WorkerLog

PLANNED = TrialRecord(1, "trial", "on", "trial-1", started_at=1.0)
TWO = RunSettings(variants_per_job=2)
START = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"


class Silent:
    """A session whose worker gives no report."""

    def loader_report(self, since: int = 0, cancelled: Callable[[], bool] = lambda: False) -> None:
        return None


class Telling(Silent):
    """A session whose worker reports what the test says."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self.report = report
        self.asked: list[int] = []

    def loader_report(self, since: int = 0, cancelled: Callable[[], bool] = lambda: False) -> Any:
        self.asked.append(since)
        return self.report


def trial_after(*texts: str) -> Trial:
    """A trial that has read these lines, and whose log has been still for long enough."""
    trial = trial_of(SimpleNamespace(profile=None))
    trial._take(tuple(LogLine("trial-1", n, "stdout", float(n), text) for n, text in enumerate(texts)))
    trial._last_line = 0.0
    return trial


def trial_of(target: Any, on_step: Callable[[Step, str], None] = lambda step, message: None) -> Trial:
    return Trial(target, TWO, PLANNED, on_step=on_step, on_change=lambda: None)


def settled(trial: Trial, session: Any) -> bool:
    return trial._settled(session, threading.Event())


def test_a_still_log_settles_a_stranger_that_gives_no_report() -> None:
    assert settled(trial_after(START), Silent())


def test_a_still_log_settles_nothing_of_a_worker_of_ours_that_gives_no_report() -> None:
    assert not settled(trial_after(*WorkerLog().ask("job-1.variant-1").load().lines), Silent())


@pytest.mark.parametrize(
    ("report", "is_settled"),
    [
        ({"state": "ready", "events": []}, True),
        ({"state": "loading", "events": []}, False),
        ({"state": "ready", "events": [{"line": "…"}]}, False),
    ],
    ids=["all told", "a load under way", "events on their way"],
)
def test_a_worker_of_ours_is_settled_by_its_own_report(report: dict[str, Any], is_settled: bool) -> None:
    assert settled(trial_after(*WorkerLog().load().lines), Telling(report)) is is_settled


def test_a_line_with_a_made_up_worker_does_not_end_the_wait_for_the_real_one() -> None:
    made_up = WorkerLog("ffffff")
    for _ in range(30):
        made_up.tell("requested")
    trial = trial_after(*WorkerLog().load().lines, made_up.lines[-1])
    trial._record = replace(trial._record, workers=(Worker("3f9c1a", 7, "trial-1", "healthz"),))
    session = Telling({"state": "ready", "events": []})
    settled(trial, session)
    assert session.asked == [3]


def test_a_worker_that_had_nothing_to_tell_since_the_baseline_is_settled() -> None:
    trial = trial_after()
    trial._baseline = ("3f9c1a", 7)
    session = Telling({"state": "ready", "events": []})
    settled(trial, session)
    assert session.asked == [7]


# -- what ends it early ----------------------------------------------------------------------------------


class Stopping:
    """The local target; a worker is stopped (SIGSTOP) as soon as it has been started."""

    def __init__(self, target: LocalTarget) -> None:
        self._target = target
        self.session: LocalSession | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def start(self, *arguments: Any, **options: Any) -> LocalSession:
        self.session = self._target.start(*arguments, **options)
        assert self.session._process.pid is not None
        os.kill(self.session._process.pid, signal.SIGSTOP)
        return self.session


def ended(trial: Trial, abort: threading.Event) -> TrialRecord:
    """The trial's record; a trial that does not end is a failure, and not a hanging test."""
    done: list[TrialRecord] = []
    thread = threading.Thread(target=lambda: done.append(trial.run(abort)), daemon=True)
    thread.start()
    thread.join(40)
    assert done, "the trial went on after the abort"
    return done[0]


@pytest.mark.model
def test_an_abort_ends_the_wait_for_a_worker_that_hangs(
    local_target: LocalTarget, demo_checkpoint: Any
) -> None:
    abort = threading.Event()

    def on_step(step: Step, message: str) -> None:
        if step == "alive":
            abort.set()

    target = Stopping(local_target)
    local_target.wait_warm(120)
    record = ended(trial_of(target, on_step), abort)
    assert record.aborted == "The run was aborted."
    assert target.session is not None
    assert target.session._process.ended.is_set()


@pytest.mark.model
def test_an_abort_ends_the_wait_for_the_connections(
    local_target: LocalTarget, demo_checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    abort = threading.Event()
    open_trigger = LocalSession.open_trigger
    made: list[Any] = []

    def stopped(*arguments: Any, **options: Any) -> Any:
        made.append(open_trigger(*arguments, **options))
        os.kill(made[-1]._process.pid, signal.SIGSTOP)
        return made[-1]

    def on_step(step: Step, message: str) -> None:
        if step == "release":
            abort.set()

    monkeypatch.setattr(LocalSession, "open_trigger", stopped)
    local_target.wait_warm(120)
    record = ended(trial_of(local_target, on_step), abort)
    assert made
    assert record.aborted == "The run was aborted."
    assert {variant.state for variant in record.variants} == {"planned"}


@pytest.mark.model
def test_a_start_that_is_no_longer_wanted_is_not_made(
    local_target: LocalTarget, demo_checkpoint: Any
) -> None:
    abort = threading.Event()
    abort.set()
    local_target.wait_warm(120)
    record = ended(trial_of(local_target), abort)
    assert record.workers == ()
    assert record.verdict is not None
    assert record.verdict.reasons[0].code == "aborted"


class Faulty:
    """A session that runs a real worker whose host tells of a fault of its own."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    @property
    def end(self) -> WorkerEnd | None:
        return None

    @property
    def fault(self) -> str | None:
        return "The preloaded process ended."

    def close(self, *, force: bool = False) -> None:
        self.closed = True
        self._session.close(force=force)


class FaultyTarget:
    def __init__(self, target: LocalTarget) -> None:
        self._target = target
        self.session: Faulty | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def start(self, *arguments: Any, **options: Any) -> Any:
        self.session = Faulty(self._target.start(*arguments, **options))
        return self.session


@pytest.mark.model
def test_a_fault_of_what_runs_the_worker_cuts_the_trial_and_is_named(
    local_target: LocalTarget, demo_checkpoint: Any
) -> None:
    local_target.wait_warm(120)
    record = ended(trial_of(FaultyTarget(local_target)), threading.Event())
    assert record.aborted == "The preloaded process ended."


@pytest.mark.model
def test_a_worker_is_ended_though_the_release_cannot_be_closed(
    local_target: LocalTarget, demo_checkpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = HttpRelease.close
    closed: list[HttpRelease] = []

    def broken(trigger: HttpRelease) -> None:
        close(trigger)
        closed.append(trigger)
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(HttpRelease, "close", broken)
    target = FaultyTarget(local_target)
    local_target.wait_warm(120)
    record = ended(trial_of(target), threading.Event())
    assert closed
    assert target.session is not None
    assert target.session.closed
    assert record.verdict is not None
    assert record.verdict.verdict != "green"
