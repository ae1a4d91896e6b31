"""Run histories of other versions: older ones are brought up to date, newer ones left alone."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from dashboard import migrations
from dashboard.store import Store, StoreError
from dashboard.tables import SCHEMA_VERSION
from tests.dashboard import sample_records as sample


@pytest.fixture
def first_history(store: Store, url: str) -> Store:
    """A history as the first version left it: no latency beside the document, and no sweeps."""
    for number, colour in enumerate(("green", "red")):
        store.save(sample.run(colour, run_id=f"run-{number}", created_at=sample.START - number))
    store.save(replace(sample.run("green", run_id="run-2", created_at=sample.START - 2), verdict=None))
    with store._engine.begin() as connection:
        connection.execute(text("alter table runs drop column latency_p95_s"))
        connection.execute(text("drop table sweeps"))
        connection.execute(text("update schema_version set version = 1"))
    store.close()
    return store


@pytest.mark.usefixtures("first_history")
def test_an_older_history_is_brought_up_to_date_with_all_its_runs(url: str) -> None:
    newer = Store.open(url)
    assert [(row.run_id, row.latency_p95_s) for row in newer.list()] == [
        ("run-0", 0.9), ("run-1", 0.9), ("run-2", None)
    ]  # fmt: skip
    newer.save(sample.run("green", run_id="run-3"))
    newer.save_sweep("sweep-1", sample.START, "{}")
    assert newer.sweeps() == ("{}",)
    newer.close()


@pytest.mark.usefixtures("first_history")
def test_several_that_open_an_older_history_at_once_all_find_it_up_to_date(url: str) -> None:
    start = threading.Barrier(4)
    found: list[int] = []

    def open_it() -> None:
        start.wait(20)
        opened = Store.open(url)
        found.append(len(opened.list()))
        opened.close()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [3, 3, 3, 3]


@pytest.mark.usefixtures("first_history")
def test_a_history_that_cannot_be_brought_up_to_date_stays_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: object) -> None:
        migrations._add_latency(connection)
        raise OSError("the disk went away")

    monkeypatch.setattr(migrations, "_STEPS", {1: fail})
    with pytest.raises(StoreError, match="the disk went away"):
        Store.open(url)
    monkeypatch.undo()
    opened = Store.open(url)
    assert len(opened.list()) == 3
    opened.close()


def test_a_newer_history_is_left_alone(store: Store, url: str) -> None:
    with store._engine.begin() as connection:
        connection.execute(text("update schema_version set version = 99"))
    reads = rf"has version 99, and this program reads version {SCHEMA_VERSION}\. Use the Loadonce"
    with pytest.raises(StoreError, match=reads):
        Store.open(url)


def test_a_record_of_another_version_is_named(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    with store._engine.begin() as connection:
        connection.execute(text("update runs set document = '{}'"))
    with pytest.raises(StoreError, match=rf"record of run {record.run_id} .* cannot be read"):
        store.load(record.run_id)
