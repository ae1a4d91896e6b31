"""Runs whose console has ended: marked as interrupted, and judged by what they had shown."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from dashboard.alert_desk import take_interrupted
from dashboard.cut_runs import mark_interrupted
from dashboard.owner import this_process
from dashboard.store import Store
from dashboard.sweep import SweepPlan, SweepRecord, cell_of, sweep_from_json, to_document
from tests.dashboard import sample_records as sample
from tests.dashboard.test_sweep import WHOLE

ROOT = Path(__file__).resolve().parents[2]


def _ended_process() -> str:
    """The owner string of a process that has ended."""
    code = "from dashboard.owner import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def _save_running(store: Store, owner: str, *colours: str) -> str:
    record = replace(sample.run("green"), status="running", verdict=None, finished_at=None, control=None)
    record = replace(record, trials=tuple(sample.trial(n, c) for n, c in enumerate(colours, 1)))  # type: ignore[arg-type]
    store._owner = owner
    store.save(record)
    return record.run_id


def test_a_run_of_a_process_that_has_ended_is_marked_interrupted(store: Store) -> None:
    run_id = _save_running(store, _ended_process())
    assert len(mark_interrupted(store)) == 1
    record = store.load(run_id)
    assert record is not None
    assert record.status == "interrupted"
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert [reason.code for reason in record.verdict.reasons] == ["aborted"]
    assert (store.list()[0].status, store.list()[0].verdict) == ("interrupted", "inconclusive")


def test_an_interrupted_run_with_a_red_trial_is_red(store: Store) -> None:
    run_id = _save_running(store, _ended_process(), "green", "red")
    mark_interrupted(store)
    record = store.load(run_id)
    assert record is not None
    assert record.verdict is not None
    assert record.verdict.verdict == "red"
    assert record.verdict.counts == sample.RED.counts


def test_an_interrupted_run_with_green_trials_proves_nothing(store: Store) -> None:
    run_id = _save_running(store, _ended_process(), "green")
    mark_interrupted(store)
    record = store.load(run_id)
    assert record is not None
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert record.verdict.counts.load_started == 1


def test_a_cut_run_of_another_version_runs_no_more_either(store: Store) -> None:
    _save_running(store, _ended_process())
    with store._engine.begin() as connection:
        connection.execute(text("update records set document = '{}'"))
    assert len(mark_interrupted(store)) == 1
    assert store.list()[0].status == "interrupted"


def test_a_run_of_a_living_process_is_left_alone(store: Store) -> None:
    run_id = _save_running(store, this_process())
    assert len(mark_interrupted(store)) == 0
    record = store.load(run_id)
    assert record is not None
    assert record.running


def test_a_run_of_another_host_is_left_alone(store: Store) -> None:
    _save_running(store, "elsewhere.example:1:123")
    assert len(mark_interrupted(store)) == 0


def _cut_sweep(store: Store) -> SweepRecord:
    """A sweep whose process has ended: of its runs the first is among its cells, the next one is not yet."""
    plan = SweepPlan((2, 4, 8), ("on",))
    planned = tuple(cell_of(settings) for settings in plan.cells())
    cells = (replace(planned[0], run_id="20261123-080000-aaaaaa", held=3), *planned[1:])
    sweep = SweepRecord("20261123-075900-5eeb00", plan, "ann", sample.START, cells)
    store._owner = _ended_process()
    store.save_sweep(sweep.sweep_id, sweep.created_at, to_document(sweep), status="running")
    return sweep


def test_the_sweep_of_a_run_that_was_cut_goes_on_no_more(store: Store) -> None:
    sweep = _cut_sweep(store)
    settings = sweep.plan.cells()[1]
    record = replace(sample.run("green"), settings=settings, status="running", verdict=None)
    store.save(replace(record, sweep=sweep.sweep_id))
    assert mark_interrupted(store) == (record.run_id,)
    (kept,) = map(sweep_from_json, store.sweeps())
    assert (kept.status, kept.cells[0]) == ("interrupted", sweep.cells[0])
    # What its last run had shown is in the matrix
    assert (kept.cells[1].run_id, kept.cells[1].held) == (record.run_id, 1)
    assert "Begin it again." in kept.message


def test_a_sweep_that_was_cut_between_two_runs_is_interrupted_with_all_its_runs(
    store: Store,
) -> None:
    sweep = _cut_sweep(store)
    made = replace(sample.run("red"), settings=sweep.plan.cells()[1], sweep=sweep.sweep_id)
    store.save(made)  # it has ended, and the sweep was not kept since
    assert mark_interrupted(store) == ()
    (kept,) = map(sweep_from_json, store.sweeps())
    assert (kept.status, kept.cells[0]) == ("interrupted", sweep.cells[0])
    assert (kept.cells[1].run_id, kept.cells[1].red) == (made.run_id, 1)
    assert kept.cells[2:] == sweep.cells[2:]


def test_a_sweep_of_a_living_process_and_one_of_a_host_that_speaks_are_left_alone(store: Store) -> None:
    for sweep_id, owner in (("here", this_process()), ("there", "elsewhere.example:1:123")):
        sweep, store._owner = replace(WHOLE, sweep_id=sweep_id, status="running"), owner
        store.save_sweep(sweep_id, sweep.created_at, to_document(sweep), status="running")
    with store._engine.begin() as connection:
        connection.execute(text("update sweeps set seen_at = seen_at - 1000"))
    store.attend_sweep("there")
    mark_interrupted(store)
    assert {sweep_from_json(each).status for each in store.sweeps()} == {"running"}
    with store._engine.begin() as connection:
        connection.execute(text("update sweeps set seen_at = seen_at - 1000"))
    mark_interrupted(store)
    found = {each.sweep_id: each.status for each in map(sweep_from_json, store.sweeps())}
    assert found == {"here": "running", "there": "interrupted"}


def test_a_sweep_that_cannot_be_read_keeps_no_run_from_being_marked(store: Store) -> None:
    store._owner = _ended_process()
    store.save_sweep("sweep-1", 1.0, "no JSON", status="running")
    store.save(replace(sample.run("green"), status="running", verdict=None, sweep="sweep-1"))
    assert len(mark_interrupted(store)) == 1
    assert store.sweeps() == ("no JSON",)


def test_of_consoles_that_start_at_once_one_takes_each_run_that_was_cut(url: str) -> None:
    taken = race_for_cut_runs(url, owner=_ended_process())
    assert sorted(taken) == [f"run-{number}" for number in range(5)]  # each once, whoever it was


def race_for_cut_runs(url: str, *, owner: str) -> list[str]:
    """Let several consoles take five runs at once; return the ids that they say they have taken."""
    consoles = [Store.open(url) for _ in range(4)]
    consoles[0]._owner = owner
    for number in range(5):
        consoles[0].save(replace(sample.run("green", run_id=f"run-{number}"), status="running", verdict=None))
    start, taken = threading.Barrier(len(consoles)), list[str]()

    def take(store: Store) -> None:
        start.wait(60)
        taken.extend(record.run_id for record in take_interrupted(store))

    threads = [threading.Thread(target=take, args=(store,)) for store in consoles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for store in consoles:
        store.close()
    return taken
