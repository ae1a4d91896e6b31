"""Run histories of other versions: older ones are brought up to date, newer ones left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from dashboard import migrations
from dashboard.store import RunFilter, Store, StoreError
from dashboard.tables import REVISION, metadata
from tests.dashboard import sample_records as sample
from tests.dashboard.older_histories import LINES, make_older

ROOT = Path(__file__).resolve().parents[2]
RUNS = (
    sample.run("green", run_id="run-0", created_at=sample.START),
    sample.run("red", run_id="run-1", created_at=sample.START - 1),
    replace(sample.run("green", run_id="run-2", created_at=sample.START - 2), verdict=None),
)


def assert_whole(url: str) -> None:
    """Nothing is lost, and what came later can be used on it."""
    store = Store.open(url)
    assert [(row.run_id, row.latency_p95_s) for row in store.list()] == [
        ("run-0", 0.9), ("run-1", 0.9), ("run-2", None)
    ]  # fmt: skip
    assert [store.load(run.run_id) for run in RUNS] == list(RUNS)
    assert store.log("run-1", "trial-1") == LINES
    assert [row.run_id for row in store.list(RunFilter("TRANSFORMERS 5.23 run-1"))] == ["run-1"]
    store.save(sample.run("green", run_id="run-3"))
    store.save_sweep("sweep-1", sample.START, "{}")
    assert store.sweeps() == ("{}",)
    store.close()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_history_is_brought_up_to_date_with_all_that_is_in_it(version: int, url: str) -> None:
    make_older(url, version, RUNS)
    assert_whole(url)
    again = Store.open(url)
    assert again.count() == 4
    again.close()


def test_a_history_whose_maker_was_killed_is_made_anew(url: str) -> None:
    make_older(url, None)
    store = Store.open(url)
    store.save(RUNS[0])
    assert store.load("run-0") == RUNS[0]
    store.close()


def test_several_that_open_an_older_history_at_once_all_find_it_up_to_date(url: str) -> None:
    make_older(url, 1, RUNS)
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
        thread.join(60)
    assert found == [3, 3, 3, 3]


_KILLED = """
import os, shutil, signal, sqlite3
import pyarrow.parquet  # once, before the forks, each of which would import it
from sqlalchemy import event
from dashboard.database import make_engine
from dashboard.migrations import upgrade
old, new = os.environ["OLD"], os.environ["NEW"]
place = finished = 0
while not finished:
    place += 7
    shutil.copyfile(old, new)
    for rest in ("-wal", "-shm"):
        if os.path.exists(new + rest):
            os.remove(new + rest)
    child = os.fork()
    if child == 0:
        engine, told = make_engine(f"sqlite:///{new}", 10.0), []
        def count(*_):
            told.append(1)
            if len(told) == place:
                os.kill(os.getpid(), signal.SIGKILL)
        event.listen(engine, "after_cursor_execute", count)
        upgrade(engine)
        os._exit(0)
    finished = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with sqlite3.connect(new) as left:  # as it was, or done: never in between
        versions = left.execute("SELECT version FROM schema_version").fetchall()
        columns = [row[1] for row in left.execute("PRAGMA table_info(runs)")]
        assert versions == ([(4,)] if finished else [(1,)]), (place, versions)
        assert ("document" in columns) == (not finished), (place, columns)
    left.close()
print(place)
"""


def test_a_process_that_is_killed_at_any_statement_leaves_the_history_as_it_was(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    make_older(f"sqlite:///{old}", 1, RUNS)
    environment = os.environ | {"OLD": str(old), "NEW": str(new)}
    command = [sys.executable, "-c", _KILLED]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40  # so many places there were to be killed at
    assert_whole(f"sqlite:///{new}")


def test_a_history_that_cannot_be_brought_up_to_date_stays_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older(url, 1, RUNS)
    upgrade = migrations.command.upgrade

    def fail(*arguments: object) -> None:
        upgrade(*arguments)  # type: ignore[arg-type]  # as it was called
        raise OSError("the disk went away")

    monkeypatch.setattr(migrations.command, "upgrade", fail)
    with pytest.raises(StoreError, match="the disk went away"):
        Store.open(url)
    monkeypatch.undo()
    assert_whole(url)


@pytest.mark.parametrize(
    "table", ["update alembic_version set version_num = '9999'", "drop table alembic_version"]
)
def test_a_newer_history_is_left_alone(store: Store, url: str, table: str) -> None:
    with store._engine.begin() as connection:
        connection.execute(text(table))
        connection.execute(text("update schema_version set version = 9999"))
    reads = rf"has version 9999, and this program reads version {REVISION}\. Use the Loadonce"
    with pytest.raises(StoreError, match=reads):
        Store.open(url)


def test_a_program_from_before_alembic_is_told_that_the_history_is_newer(store: Store) -> None:
    with store._engine.connect() as connection:
        assert connection.scalar(text("select version from schema_version where id = 1")) == 4


def test_the_tables_that_the_versions_make_are_those_that_the_program_uses(store: Store) -> None:
    assert migrations.newest() == REVISION
    with store._engine.connect() as connection:
        assert migrations.current(connection) == REVISION
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_record_of_another_version_is_named(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    with store._engine.begin() as connection:
        connection.execute(text("update records set document = '{}'"))
    with pytest.raises(StoreError, match=rf"record of run {record.run_id} .* cannot be read"):
        store.load(record.run_id)
