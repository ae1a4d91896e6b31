"""A run is kept while it is seen: its trial under way, its lines, and who elsewhere has asked it to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from dashboard import attendance
from dashboard.attendance import Attendance
from dashboard.cut_runs import mark_interrupted
from dashboard.logs import LogRing
from dashboard.record import RunRecord, with_live
from dashboard.store import Store
from tests.dashboard import sample_records as sample

WHOLE = sample.run("green", "green")
BEGUN = replace(
    WHOLE, status="running", verdict=None, finished_at=None, step="settle", trials=WHOLE.trials[:1]
)
LIVE = replace(WHOLE.trials[1], ended_at=None, verdict=None)


class Desk:
    """A run that stands still until the test moves it."""

    def __init__(self, store: Store) -> None:
        self.store, self.record, self.version = store, BEGUN, 1
        self.rings: dict[str, LogRing] = {}
        self.lock, self.aborted = threading.Lock(), threading.Event()
        self.attendance = Attendance(
            store,
            picture=lambda: self.record,
            version=lambda: self.version,
            rings=lambda: self.rings,
            lock=self.lock,
            on_abort=lambda actor: self.aborted.set(),
        )

    def move(self, record: RunRecord) -> None:
        with self.lock:
            self.record, self.version = record, self.version + 1


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(attendance, "_EVERY_S", 0.01)
    monkeypatch.setattr(attendance, "_SHARE", 0)
    monkeypatch.setattr(attendance, "_STILL_ALIVE_S", 0.01)
    store.save(BEGUN)
    made = Desk(store)
    made.attendance.begin()
    yield made
    made.attendance.end()


def until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if holds():
            return
        pause.wait(0.02)
    pytest.fail("It did not come to that in a minute")


def kept(store: Store) -> RunRecord:
    record = store.load(BEGUN.run_id)
    assert record is not None
    return record


def test_a_trial_under_way_is_kept_with_its_lines_beside_those_before(desk: Desk, store: Store) -> None:
    ring = desk.rings[LIVE.source] = LogRing(LIVE.source)
    ring.append("stdout", 1.0, ["Loading LLaVa model"])
    desk.move(replace(BEGUN, trials=(*BEGUN.trials, LIVE)))
    until(lambda: len(kept(store).trials) == 2)
    assert kept(store).trials == (*BEGUN.trials, LIVE)
    ring.append("stdout", 2.0, ["Model loaded successfully"])
    until(lambda: len(store.log(BEGUN.run_id, LIVE.source)) == 2)
    assert [line.text for line in store.log(BEGUN.run_id, LIVE.source)] == [
        "Loading LLaVa model", "Model loaded successfully"
    ]  # fmt: skip


def test_nothing_is_kept_in_the_moment_of_the_release(desk: Desk, store: Store) -> None:
    desk.move(replace(BEGUN, step="release", trials=(*BEGUN.trials, LIVE)))
    desk.attendance.end()
    assert kept(store).trials == BEGUN.trials


def test_an_abort_that_was_asked_for_elsewhere_arrives(desk: Desk, store: Store) -> None:
    assert store.ask_abort(BEGUN.run_id, actor="ann")
    assert desk.aborted.wait(60)


def test_the_log_of_a_trial_that_is_kept_in_short_is_dropped(desk: Desk, store: Store) -> None:
    ring = desk.rings[LIVE.source] = LogRing(LIVE.source)
    ring.append("stdout", 1.0, ["a line"])
    desk.move(replace(BEGUN, trials=(*BEGUN.trials, LIVE)))
    until(lambda: store.sources(BEGUN.run_id) == (LIVE.source,))
    with desk.lock:
        desk.record = replace(BEGUN, trials=WHOLE.trials[:2])
        desk.attendance.forget(BEGUN.run_id, LIVE.source)
    desk.attendance.end()
    assert store.sources(BEGUN.run_id) == ()


def test_a_history_that_fails_ends_no_attendance(desk: Desk, store: Store) -> None:
    with store._engine.begin() as connection:
        connection.execute(text("alter table records rename to hidden"))
    desk.move(replace(BEGUN, trials=(*BEGUN.trials, LIVE)))
    desk.move(replace(BEGUN, trials=(*BEGUN.trials, replace(LIVE, skew_ms=7.0))))
    with store._engine.begin() as connection:
        connection.execute(text("alter table hidden rename to records"))
    until(lambda: len(kept(store).trials) == 2)


def test_without_a_thread_the_run_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Desk(store)

    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(made.attendance._thread, "start", refuse)
    made.attendance.begin()
    made.attendance.end()


def test_what_is_kept_last_of_a_run_that_has_ended_stays(store: Store) -> None:
    store.save(BEGUN)
    store.save(WHOLE)
    assert store.attend(WHOLE.run_id, replace(BEGUN, trials=(*BEGUN.trials, LIVE))) is None
    assert kept(store) == WHOLE
    assert not store.ask_abort(WHOLE.run_id, actor="ann")


def test_a_run_that_is_cut_keeps_what_was_seen_of_its_trial(store: Store) -> None:
    store._owner = "elsewhere.example:1:123"
    store.save(BEGUN)
    store.attend(BEGUN.run_id, replace(BEGUN, trials=(*BEGUN.trials, LIVE)))
    assert len(mark_interrupted(store)) == 0  # it has spoken just now
    with store._engine.begin() as connection:
        connection.execute(text("update runs set seen_at = seen_at - 1000"))
    assert len(mark_interrupted(store)) == 1
    assert (kept(store).status, kept(store).trials) == ("interrupted", (*BEGUN.trials, LIVE))


def test_a_picture_replaces_the_same_trial_and_no_other() -> None:
    newer = replace(LIVE, skew_ms=3.0)
    merged = with_live(replace(BEGUN, trials=(*BEGUN.trials, LIVE)), replace(BEGUN, trials=(newer,)))
    assert merged.trials == (*BEGUN.trials, newer)
