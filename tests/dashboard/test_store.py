"""The run history: what goes in comes out, listed newest first."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from dashboard.store import RunSummary, Store, StoreError, store_url
from tests.dashboard import sample_records as sample


def test_a_record_comes_back_as_it_was_saved(store: Store) -> None:
    record = sample.run("green", "red")
    store.save(record)
    assert store.load(record.run_id) == record


def test_saving_again_replaces_the_record(store: Store) -> None:
    record = sample.run("green")
    store.save(replace(record, status="running", verdict=None))
    store.save(record)
    assert store.load(record.run_id) == record
    assert [row.status for row in store.list()] == ["finished"]


def test_a_run_that_is_not_there_is_none(store: Store) -> None:
    assert store.load("20260101-000000-000000") is None


def test_a_summary_tells_the_run_without_its_document(store: Store) -> None:
    record = sample.run("red")
    store.save(record)
    (found,) = store.list()
    assert found.size_bytes > 1000
    assert (replace(found, size_bytes=0),) == (
        RunSummary(
            record.run_id,
            sample.START,
            sample.START + 3,
            "finished",
            "red",
            "local",
            "on",
            1,
            3,
            1,
            "local",
            3,
            record.verdict.latency_s.p95,
        ),
    )


def test_a_list_reads_no_document(store: Store) -> None:
    store.save(sample.run("green"))
    statements: list[str] = []
    event.listen(store._engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    store.list()
    assert statements
    assert not any("document" in statement for statement in statements)


def test_runs_are_listed_newest_first_and_page_by_page(store: Store) -> None:
    for number in range(7):
        # two at a time share their second, so that the id decides
        store.save(sample.run("green", run_id=f"run-{number}", created_at=sample.START + number // 2))
    first = store.list(limit=3)
    second = store.list(limit=3, before=first[-1].run_id)
    third = store.list(limit=3, before=second[-1].run_id)
    assert [row.run_id for row in (*first, *second, *third)] == [f"run-{n}" for n in range(6, -1, -1)]


def test_a_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    for run_id in ("20261123-1-aa", "20261123-1-ab", "20261124-1-aa"):
        store.save(sample.run("green", run_id=run_id))
    assert sorted(store.find("20261123")) == ["20261123-1-aa", "20261123-1-ab"]
    assert store.find("20261124") == ("20261124-1-aa",)


def test_a_prefix_is_no_pattern(store: Store) -> None:
    store.save(sample.run("green", run_id="20261123-1-aa"))
    assert store.find("2026_") == ()
    assert store.find("%") == ()


def test_a_thousand_runs_stay_quick_to_list_and_open(store: Store) -> None:
    record = replace(sample.run("green"), trials=(sample.trial(1, variants=200),))
    for number in range(1000):
        store.save(replace(record, run_id=f"run-{number:04}", created_at=sample.START + number))
    steps: list[int] = []
    with store._engine.connect() as connection:
        # counts SQLite's own steps, which do not depend on how busy the machine is
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(lambda: steps.append(1) or 0, 100)
    assert len(store.list()) == 200
    assert store.load("run-0500") is not None
    assert 0 < len(steps) < 100  # a scan of 1,000 rows with a sort would take far more


def test_actions_are_told_newest_first(store: Store) -> None:
    store.note_action(actor="local", action="launch", target="local", outcome="started", run_id="r1")
    store.note_action(actor="ann", action="abort", target="local", outcome="asked", run_id="r1")
    newest, oldest = store.actions()
    assert (newest.actor, newest.action, newest.outcome, newest.run_id) == ("ann", "abort", "asked", "r1")
    assert oldest.time <= newest.time <= time.time()


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # it tells of the odd value too
def test_a_record_that_is_no_text_is_named(store: Store) -> None:
    record = replace(sample.run("green"), versions={"torch": object()})  # type: ignore[dict-item]
    with pytest.raises(StoreError, match=rf"record of run {record.run_id} cannot be written as JSON"):
        store.save(record)


def test_a_record_with_half_a_character_is_kept(store: Store) -> None:
    record = replace(sample.run("green"), message="\ud800")
    store.save(record)
    kept = store.load(record.run_id)
    assert kept is not None
    assert kept.message == "?"


def test_closing_twice_is_nothing_and_use_afterwards_is_loud(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.list()


def test_the_url_comes_from_the_environment_or_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LOADONCE_DATABASE_URL", raising=False)
    assert store_url(tmp_path) == f"sqlite:///{tmp_path}/history.db"
    monkeypatch.setenv("LOADONCE_DATABASE_URL", "postgresql://db/loadonce")
    assert store_url(tmp_path) == "postgresql://db/loadonce"


def test_a_data_folder_with_odd_characters_is_found_again(tmp_path: Path) -> None:
    home = tmp_path / "a b?c#d%20@é"
    Store.open(store_url(home)).close()
    assert (home / "history.db").is_file()
