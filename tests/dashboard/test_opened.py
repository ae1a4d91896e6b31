"""What was opened of the history: read once, read again when it changed, and never more than a few."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.evidence import LogLine
from dashboard.opened import OpenedRuns
from dashboard.record import RunRecord
from dashboard.store import Store, StoreError
from tests.dashboard.sample_records import run


class Counting:
    """A history that counts how often it is read."""

    def __init__(self, store: Store) -> None:
        self.store, self.loads, self.logs = store, 0, 0

    def stamp(self, run_id: str) -> tuple[str, float | None] | None:
        return self.store.stamp(run_id)

    def load(self, run_id: str) -> RunRecord | None:
        self.loads += 1
        return self.store.load(run_id)

    def log(self, run_id: str, source: str) -> tuple[LogLine, ...]:
        self.logs += 1
        return self.store.log(run_id, source)


def test_a_run_that_is_asked_for_again_is_read_once(store: Store) -> None:
    record, counting, opened = run("green"), Counting(store), OpenedRuns()
    store.save(record)
    assert opened.record(counting, record.run_id) == opened.record(counting, record.run_id) == record
    assert counting.loads == 1


def test_a_run_that_was_saved_anew_is_read_anew(store: Store) -> None:
    record, opened = run("green"), OpenedRuns()
    store.save(record)
    opened.record(store, record.run_id)
    store.save(replace(record, status="aborted"))
    found = opened.record(store, record.run_id)
    assert found is not None
    assert found.status == "aborted"


def test_a_run_that_goes_on_in_another_process_is_read_each_time(store: Store) -> None:
    record, counting, opened = replace(run("green"), status="running"), Counting(store), OpenedRuns()
    store.save(record)
    for _time in range(2):
        opened.record(counting, record.run_id)
    assert counting.loads == 2


def test_a_run_that_is_not_there_is_none(store: Store) -> None:
    assert OpenedRuns().record(store, "20261123-000000-none") is None


def test_only_the_last_few_are_remembered(store: Store) -> None:
    records = [run("green", run_id=f"20261123-08451{n}-3f9c1a") for n in range(6)]
    counting, opened = Counting(store), OpenedRuns()
    for record in records:
        store.save(record)
        opened.record(counting, record.run_id)
    opened.record(counting, records[-1].run_id)
    assert counting.loads == 6
    opened.record(counting, records[0].run_id)
    assert counting.loads == 7


def test_a_log_is_read_once_and_knows_when_each_line_came(store: Store) -> None:
    record, counting, opened = run("green"), Counting(store), OpenedRuns()
    store.save(record)
    store.save_log(
        record.run_id, "trial-1", [LogLine("trial-1", 7 + n, "stdout", 100.0 + n, "x") for n in range(3)]
    )
    kept = opened.lines(counting, record.run_id, "trial-1")
    assert opened.lines(counting, record.run_id, "trial-1") is kept
    assert (counting.logs, kept.first, list(kept.times)) == (1, 7, [100.0, 101.0, 102.0])
    assert opened.lines(counting, record.run_id, "nowhere").log.next == 0


def test_a_history_that_cannot_be_read_is_told(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError):
        OpenedRuns().record(store, "20261123-084512-3f9c1a")
