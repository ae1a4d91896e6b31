"""Runs whose console has ended: marked as interrupted, and judged by what they had shown."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from dashboard.owner import this_process
from dashboard.store import Store
from dashboard.sweep import sweep_from_json, to_document
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
    assert store.mark_interrupted() == 1
    record = store.load(run_id)
    assert record is not None
    assert record.status == "interrupted"
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert [reason.code for reason in record.verdict.reasons] == ["aborted"]
    assert (store.list()[0].status, store.list()[0].verdict) == ("interrupted", "inconclusive")


def test_an_interrupted_run_with_a_red_trial_is_red(store: Store) -> None:
    run_id = _save_running(store, _ended_process(), "green", "red")
    store.mark_interrupted()
    record = store.load(run_id)
    assert record is not None
    assert record.verdict is not None
    assert record.verdict.verdict == "red"
    assert record.verdict.counts == sample.RED.counts


def test_an_interrupted_run_with_green_trials_proves_nothing(store: Store) -> None:
    run_id = _save_running(store, _ended_process(), "green")
    store.mark_interrupted()
    record = store.load(run_id)
    assert record is not None
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert record.verdict.counts.load_started == 1


def test_a_cut_run_of_another_version_runs_no_more_either(store: Store) -> None:
    _save_running(store, _ended_process())
    with store._engine.begin() as connection:
        connection.execute(text("update records set document = '{}'"))
    assert store.mark_interrupted() == 1
    assert store.list()[0].status == "interrupted"


def test_a_run_of_a_living_process_is_left_alone(store: Store) -> None:
    run_id = _save_running(store, this_process())
    assert store.mark_interrupted() == 0
    record = store.load(run_id)
    assert record is not None
    assert record.running


def test_a_run_of_another_host_is_left_alone(store: Store) -> None:
    _save_running(store, "elsewhere.example:1:123")
    assert store.mark_interrupted() == 0


def test_the_sweep_of_a_run_that_was_cut_goes_on_no_more(store: Store) -> None:
    sweep = replace(WHOLE, status="running", message="")
    store.save_sweep(sweep.sweep_id, sweep.created_at, to_document(sweep))
    record = replace(sample.run("green"), status="running", verdict=None, sweep=sweep.sweep_id)
    store._owner = _ended_process()
    store.save(record)
    assert store.mark_interrupted() == 1
    (kept,) = map(sweep_from_json, store.sweeps())
    assert (kept.status, kept.cells) == ("failed", sweep.cells)
    assert "Begin it again." in kept.message


def test_a_sweep_that_cannot_be_read_keeps_no_run_from_being_marked(store: Store) -> None:
    store.save_sweep("sweep-1", 1.0, "no JSON")
    store._owner = _ended_process()
    store.save(replace(sample.run("green"), status="running", verdict=None, sweep="sweep-1"))
    assert store.mark_interrupted() == 1
    assert store.sweeps() == ("no JSON",)
