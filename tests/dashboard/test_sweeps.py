"""The making of a sweep: runs one after the other, each kept as it ends, whatever ends the sweep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dashboard.record import RunRecord
from dashboard.runs import PreflightError, RunInProgress
from dashboard.settings import RunSettings
from dashboard.store import Store, StoreError
from dashboard.sweep import SweepPlan, SweepRecord, sweep_from_json
from dashboard.sweep_desk import SweepDesk, sweep_draft
from dashboard.sweeps import Sweep
from tests.dashboard import sample_records as sample

PLAN = SweepPlan((2, 4), ("on", "off"), repeat=1)


class Made:
    """A runner whose runs end at once, as the test says."""

    def __init__(self, *results: Any, before: Callable[[int], None] = lambda number: None) -> None:
        self.results, self.before = list(results), before
        self.launched: list[tuple[RunSettings, str, str | None]] = []
        self.records: dict[str, RunRecord] = {}
        self.aborted: list[str] = []

    def launch(self, settings: RunSettings, *, actor: str, sweep: str | None = None) -> str:
        number = len(self.launched)
        self.before(number)
        self.launched.append((settings, actor, sweep))
        result = self.results[number] if number < len(self.results) else "green"
        if isinstance(result, Exception):
            raise result
        run_id = f"20261123-08451{number}-3f9c1a"
        record = sample.run("green" if result == "running" else result, run_id=run_id)
        status: Any = "running" if result == "running" else "finished"
        self.records[run_id] = replace(record, settings=settings, status=status)
        return run_id

    def abort(self, run_id: str, *, actor: str) -> bool:
        self.aborted.append(run_id)
        self.records[run_id] = replace(self.records[run_id], status="aborted")
        return True

    def record(self, run_id: str) -> RunRecord | None:
        return self.records.get(run_id)


def made(store: Store, runner: Made, plan: SweepPlan = PLAN) -> Sweep:
    sweep = Sweep(plan, runner, store, actor="ann")
    sweep.start()
    assert sweep.wait(60)
    return sweep


def kept(store: Store) -> SweepRecord:
    (document,) = store.sweeps()
    return sweep_from_json(document)


def test_each_cell_is_a_run_of_the_sweep_by_its_actor(store: Store) -> None:
    runner = Made("green", "green", "red", "red")
    record = made(store, runner).record
    assert [(settings.guard, settings.variants_per_job) for settings, _, _ in runner.launched] == [
        ("on", 2),
        ("on", 4),
        ("off", 2),
        ("off", 4),
    ]
    assert {(actor, sweep) for _, actor, sweep in runner.launched} == {("ann", record.sweep_id)}
    assert [(cell.held, cell.red) for cell in record.cells] == [(1, 0), (1, 0), (0, 1), (0, 1)]
    assert (record.status, kept(store)) == ("finished", record)


def test_what_was_made_is_kept_when_a_sweep_is_stopped_in_the_middle(store: Store) -> None:
    third = threading.Event()
    runner = Made("green", "green", "running", before=lambda n: third.set() if n == 2 else None)
    sweep = Sweep(PLAN, runner, store, actor="ann")
    sweep.start()
    assert third.wait(60)
    sweep.abort()
    assert sweep.wait(60)
    found = kept(store)
    assert (found.status, len(runner.launched), len(runner.aborted)) == ("aborted", 3, 1)
    assert [cell.run_id is not None for cell in found.cells] == [True, True, True, False]
    assert found.message == "The sweep was stopped; what was made is kept."


def test_a_sweep_whose_target_goes_out_of_reach_ends_with_what_was_made(store: Store) -> None:
    away = PreflightError("The engine is away.", out_of_reach=True)
    found = made(store, Made("green", away)).record
    assert (found.status, found.message, found.out_of_reach) == ("failed", "The engine is away.", True)
    assert [cell.run_id is not None for cell in found.cells] == [True, False, False, False]
    assert kept(store) == found


def test_a_run_that_somebody_begins_in_between_is_waited_for(store: Store) -> None:
    other = RunInProgress("20261123-090000-abcdef")
    runner = Made("green", other, other, "green", "red", "red")
    found = made(store, runner).record
    assert (found.status, found.message) == ("finished", "")
    assert [(cell.held, cell.red) for cell in found.cells] == [(1, 0), (1, 0), (0, 1), (0, 1)]


def test_a_sweep_that_waits_for_another_run_can_be_stopped(store: Store) -> None:
    waiting = threading.Event()
    others = [RunInProgress("20261123-090000-abcdef")] * 10_000
    sweep = Sweep(PLAN, Made(*others, before=lambda n: waiting.set()), store, actor="ann")
    sweep.start()
    assert waiting.wait(60)
    sweep.abort()
    assert sweep.wait(60)
    assert kept(store).status == "aborted"


def test_a_fault_that_nobody_foresaw_ends_a_sweep_with_a_word_about_it(store: Store) -> None:
    found = made(store, Made(OSError(24, "Too many open files"))).record
    assert found.status == "failed"
    assert "Too many open files" in found.message


def test_a_history_that_cannot_be_written_begins_no_sweep(store: Store) -> None:
    store.close()
    runner = Made()
    with pytest.raises(StoreError):
        Sweep(PLAN, runner, store, actor="ann").start()
    assert runner.launched == []


# -- the desk of the console -----------------------------------------------------------------------------


def test_a_second_sweep_at_once_is_refused(store: Store) -> None:
    desk, runner = SweepDesk(), Made("running")
    assert desk.begin(PLAN, runner=runner, store=store, actor="ann") == ""
    refusal = desk.begin(PLAN, runner=runner, store=store, actor="ann")
    assert refusal == "A sweep is under way. Wait for its end, or stop it."
    desk.close()
    assert kept(store).status == "aborted"
    assert desk.begin(PLAN, runner=runner, store=store, actor="ann") == "The console is closing."


def test_who_began_and_who_stopped_a_sweep_is_on_record(store: Store) -> None:
    desk = SweepDesk()
    desk.begin(PLAN, runner=Made("running"), store=store, actor="ann")
    desk.stop(store=store, actor="bob")
    desk.close()
    assert {(each.actor, each.action) for each in store.actions()} == {
        ("ann", "sweep"),
        ("bob", "stop sweep"),
    }


def test_sweeps_of_earlier_consoles_can_be_chosen(store: Store) -> None:
    earlier = made(store, Made()).record
    known, problem = SweepDesk().known(store)
    assert (known, problem) == ((earlier,), "")


def test_a_history_that_cannot_be_read_is_told_beside_the_sweep_of_this_console(store: Store) -> None:
    store.save_sweep("20250101-000000-abcdef", 1.0, "no JSON")
    known, problem = SweepDesk().known(store)
    assert known == ()
    assert problem.startswith("Older sweeps cannot be read.")


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"variants": "2, x"}, "variants", "'x' is no whole number"),
        ({"variants": " "}, "variants", "nothing to go through"),
        ({"guards": []}, "guards", "nothing to go through"),
        ({"repeat": None}, "repeat", "Repeats are empty"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_is_told_by_its_field(
    values: dict[str, Any], field: str, words: str
) -> None:
    right: dict[str, Any] = {"variants": "2, 4", "guards": ["off", "on"], "states": ["cold"], "repeat": 3}
    draft = sweep_draft(right | values)
    assert draft.plan is None
    assert words in draft.errors[field]


def test_a_form_that_is_filled_in_rightly_says_what_will_be_made() -> None:
    draft = sweep_draft({"variants": "2 4,8", "guards": ["off", "on"], "states": ["warm"], "repeat": 3})
    assert draft.plan is not None
    assert (draft.plan.variants, draft.plan.guards) == ((2, 4, 8), ("on", "off"))
    assert draft.sentence == "6 runs, 18 trials in all, each in a new process, one after the other."
