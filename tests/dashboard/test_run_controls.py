"""Controls of a run, repeated trials, and which of them are kept whole: with real workers."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from dashboard import thinning
from dashboard.evidence import LogLine
from dashboard.report import run_json
from dashboard.runs import Runner
from dashboard.settings import Guard, RunSettings
from dashboard.store import Store
from dashboard.summary import summary
from dashboard.targets.base import LineSink, Session
from dashboard.targets.local import LocalTarget
from loader.events import parse_line
from tests.dashboard.hooked import THREE, HookedTarget, made, outcome, verdict_of

pytestmark = pytest.mark.model


class DyingControls(HookedTarget):
    """Starts each control with one load only, and kills its worker in the middle of it."""

    def start(
        self, settings: RunSettings, guard: Guard, source: str, sink: LineSink, **more: object
    ) -> Session:
        def kill(lines: tuple[LogLine, ...]) -> None:
            sink(lines)
            for event in (parse_line(line.text) for line in lines):
                if event is not None and event.kind == "started":
                    os.kill(event.pid, signal.SIGKILL)

        if not source.startswith("control"):
            return super().start(settings, guard, source, sink, **more)
        return super().start(settings, "on", source, kill, **more)


def test_a_control_that_is_red_for_another_reason_proves_nothing(
    local_target: LocalTarget, store: Store
) -> None:
    runner = Runner(DyingControls(local_target), store)
    record = made(runner, replace(THREE, control=None))
    assert [trial.verdict.verdict for trial in record.trials if trial.verdict] == ["green", *["red"] * 3]
    assert record.control is not None
    assert (record.control.verdict, record.control.tries, record.control.red) == ("inconclusive", 3, 0)
    assert outcome(record) == ("inconclusive", "control_not_red")
    assert "The worker died (signal 9)" in verdict_of(record).reasons[0].text


def test_one_red_control_is_enough_unless_more_are_asked_for(runner: Runner) -> None:
    record = made(runner, replace(THREE, control=None))
    assert record.control is not None
    assert [trial.role for trial in record.trials].count("control") == record.control.tries
    assert record.control.red == 1


def test_as_many_controls_are_made_as_were_asked_for_and_all_are_told(runner: Runner) -> None:
    record = made(runner, replace(THREE, control=None, control_tries=4))
    control = record.control
    assert control is not None
    assert control.tries == 4
    told = run_json(record)
    many = f"{control.red} of 4"
    sentence = f"With the guard off the same trial went red in {many}, so this green means something."
    assert told["control"]["text"] == sentence
    assert told["reasons"][-1] == {"code": "control_red", "text": sentence}
    assert sentence in " ".join(" ".join(summary(record)).split())


class LateFailure(HookedTarget):
    """Its third start is of a worker that loads again for everyone who had found no model."""

    def start(
        self, settings: RunSettings, guard: Guard, source: str, sink: LineSink, **more: object
    ) -> Session:
        late: Guard = "no-second-check" if source == "trial-3" else guard
        return super().start(settings, late, source, sink, **more)


@pytest.fixture
def cramped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinning, "_ROOM", 0)


def test_the_first_failing_trial_is_kept_whole_though_others_are_not(
    local_target: LocalTarget, store: Store, cramped: None
) -> None:
    runner = Runner(LateFailure(local_target), store)
    record = made(runner, replace(THREE, repeat=4))
    assert outcome(record) == ("red", "loaded_twice")
    assert [trial.in_short for trial in record.trials] == [False, True, False, True]
    failed = record.trials[2]
    assert record.shown_trial == failed
    assert len(failed.variants) == 3
    lines = store.log(record.run_id, failed.source)
    written = [event for event in (parse_line(line.text) for line in lines) if event is not None]
    assert [event.seq for event in written] == list(range(1, len(written) + 1))
    assert len(failed.events) == len(written)
    assert store.load(record.run_id) == record


def test_of_a_trial_kept_in_short_the_verdict_the_figures_and_the_loads_are_left(
    local_target: LocalTarget, store: Store, cramped: None
) -> None:
    record = made(Runner(HookedTarget(local_target), store), replace(THREE, repeat=2))
    whole, short = record.trials
    assert short.verdict is not None
    assert short.verdict.latency_s is not None
    assert [event.kind for event in short.events] == ["started", "completed"]
    assert (short.variants, store.sources(record.run_id)) == ((), (whole.source,))
    assert short.notes[-1].startswith("Kept in short")


def test_failures_of_repeated_trials_are_told_with_their_bounds(
    local_target: LocalTarget, store: Store
) -> None:
    record = made(Runner(LateFailure(local_target), store), replace(THREE, repeat=4))
    told = run_json(record)["failures"]
    assert (told["failed"], told["trials"], told["method"]) == (1, 4, "Wilson")
    assert told["text"] == "1 of 4 trials failed, 25 %: between 4.6 % and 70 % with 95 % confidence (Wilson)."
    assert told["text"] in " ".join(" ".join(summary(record)).split())
