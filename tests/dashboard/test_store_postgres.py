"""The run history in a real PostgreSQL: all that a SQLite file does, and two consoles that share it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from dashboard.curation import CurationError, delete_runs, tag_runs, write_note
from dashboard.cut_runs import mark_interrupted
from dashboard.evidence import LogLine
from dashboard.log_search import find_lines
from dashboard.logpack import LogPattern
from dashboard.retention import Retention, prune
from dashboard.runs import Runner
from dashboard.store import RunFilter, Store, StoreError
from dashboard.sweep import to_document
from dashboard.tables import metadata
from tests.dashboard import sample_records as sample
from tests.dashboard.command_line import call
from tests.dashboard.older_histories import LINES, make_older
from tests.dashboard.test_store_interrupted import race_for_cut_runs
from tests.dashboard.test_sweep import WHOLE
from tests.dashboard.triggers.postgres_server import PASSWORD, PostgresServer, missing

_PAST: Final = 2**22 + 1
"""A number that Linux gives no process."""
ODD = (LogLine("trial-1", 3, "stderr", 1e9 + 1 / 3, "\x00 na\u00efve \ud800"),)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One server for the module."""
    why = missing()
    if why is not None and os.environ.get("CI"):
        pytest.fail(why)  # a test that never runs there is none
    if why is not None:
        pytest.skip(why)
    started = PostgresServer()
    try:
        started.up()
        yield started
    finally:
        started.down()


@pytest.fixture
def url(server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of its own, as people write its address."""
    name = f"history_{abs(hash(request.node.name))}"
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"postgresql://tester:{PASSWORD}@127.0.0.1:{server.port}/{name}"
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_what_goes_in_comes_out(store: Store) -> None:
    record = sample.run("green", "red")
    store.save(replace(record, status="running", verdict=None))
    store.save(record)
    store.save_log(record.run_id, "trial-1", LINES)
    store.add_log(record.run_id, "trial-1", ODD)
    assert store.load(record.run_id) == record
    assert store.log(record.run_id, "trial-1") == (*LINES, *ODD)
    store.check_writable()
    store.check_writable()
    store.save_sweep("sweep-1", sample.START, to_document(WHOLE))
    assert store.sweeps() == (to_document(WHOLE),)


def test_runs_are_found_tagged_noted_and_deleted(store: Store) -> None:
    for number, colour in enumerate(("green", "red", "green")):
        store.save(sample.run(colour, run_id=f"run-{number}", created_at=sample.START + number))
        store.save_log(f"run-{number}", "trial-1", [*LINES, *ODD])
    tag_runs(store, ["run-0", "run-1"], add=["gate"], actor="ann")
    write_note(store, "run-1", "before\0 the UPGRADE", actor="ann")
    assert [run.run_id for run in store.list(RunFilter("upgrade", tags=("gate",)))] == ["run-1"]
    assert [run.run_id for run in store.list(RunFilter(outcome="green"))] == ["run-2", "run-0"]
    assert [hit.run_id for hit in find_lines(store, LogPattern("NAÏVE|loading"), per_run=1)] == [
        "run-2", "run-1", "run-0"
    ]  # fmt: skip
    assert [gone.run.run_id for gone in prune(store, Retention(days=1), sample.START + 9e6)] == ["run-2"]
    delete_runs(store, ["run-0"], actor="ann")
    assert [(run.run_id, run.tags) for run in store.list()] == [("run-1", ("gate",))]
    assert [done.action for done in store.actions()] == ["delete", "delete", "note", "tag", "tag"]


def test_a_run_under_way_is_not_deleted_and_the_others_of_the_request_stay(store: Store) -> None:
    store.save(sample.run("green", run_id="run-1"))
    store.save(replace(sample.run("green", run_id="run-2"), status="running", verdict=None))
    with pytest.raises(CurationError, match="run-2 is under way"):
        delete_runs(store, ["run-1", "run-2"], actor="ann")
    assert store.count() == 2


@pytest.mark.parametrize("version", [1, 3])
def test_an_older_history_is_brought_up_to_date(version: int, url: str) -> None:
    make_older(url.replace("postgresql:", "postgresql+psycopg:"), version, [sample.run("red")])
    store = Store.open(url)
    run_id = store.list()[0].run_id
    assert store.load(run_id) == sample.run("red")
    assert store.log(run_id, "trial-1") == LINES
    store.close()


def test_the_tables_are_those_that_the_program_uses(store: Store) -> None:
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_several_that_open_a_new_history_at_once_all_write_to_it(url: str) -> None:
    start, failed = threading.Barrier(4), []

    def open_it(name: str) -> None:
        try:
            start.wait(30)
            opened = Store.open(url)
            for number in range(5):
                opened.save(sample.run("green", run_id=f"{name}-{number}"))
                opened.save(sample.run("green", run_id="shared"))
                opened.check_writable()
            opened.close()
        except Exception as error:  # noqa: BLE001 - shown by the assert below
            failed.append(error)

    threads = [threading.Thread(target=open_it, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []
    store = Store.open(url)
    assert store.count() == 21
    store.close()


# -- two consoles on one database ------------------------------------------------------------------------


def test_a_run_of_another_host_is_interrupted_once_it_was_silent_for_long(store: Store) -> None:
    store._owner = "elsewhere.example:1:123"
    for run_id in ("alive", "silent"):
        store.save(replace(sample.run("green", run_id=run_id), status="running", verdict=None))
    with store._engine.begin() as connection:
        connection.execute(text("update runs set seen_at = seen_at - 100 where run_id = 'silent'"))
    assert len(mark_interrupted(store)) == 1
    assert {run.run_id: run.status for run in store.list()} == {"alive": "running", "silent": "interrupted"}


def test_of_consoles_that_start_at_once_one_takes_each_run_that_was_cut(url: str) -> None:
    taken = race_for_cut_runs(url, owner=f"{socket.gethostname()}:{_PAST}:1")
    assert sorted(taken) == [f"run-{number}" for number in range(5)]


class _NoTarget:
    name = "local"


def test_an_abort_from_another_console_reaches_the_process_that_makes_the_run(store: Store, url: str) -> None:
    record = replace(sample.run("green"), status="running", verdict=None)
    store.save(record)
    other = Store.open(url)
    asking = Runner(_NoTarget(), other)  # type: ignore[arg-type]  # it makes no run of its own
    assert store.attend(record.run_id, record) is None
    assert asking.abort(record.run_id, actor="ann")
    assert store.attend(record.run_id, None) == "ann"
    assert [(done.actor, done.action) for done in other.actions()] == [("ann", "abort")]
    store.save(replace(record, status="aborted"))
    assert not asking.abort(record.run_id, actor="ann")
    other.close()


def test_another_console_sees_a_run_as_far_as_it_is(store: Store, url: str) -> None:
    whole = sample.run("green", "green")
    begun = replace(whole, status="running", verdict=None, trials=whole.trials[:1])
    store.save(begun)
    under_way = replace(whole.trials[1], ended_at=None, verdict=None)
    store.attend(whole.run_id, replace(begun, step="settle", trials=(begun.trials[0], under_way)))
    other = Store.open(url)
    seen = other.load(whole.run_id)
    other.close()
    assert seen is not None
    assert (seen.step, seen.trials) == ("settle", (begun.trials[0], under_way))


# -- its errors ------------------------------------------------------------------------------------------


def test_the_password_is_never_shown(server: PostgresServer, url: str) -> None:
    store = Store.open(url)
    assert PASSWORD not in store.name
    store.close()
    wrong = f"postgresql://tester:not-{PASSWORD}@127.0.0.1:{server.port}/postgres"
    within = f"postgresql://tester@127.0.0.1:{server.port}/postgres?password=not-{PASSWORD}"
    for address in (wrong, within):
        with pytest.raises(StoreError, match="does not answer as it should") as caught:
            Store.open(address)
        assert PASSWORD not in str(caught.value)


def test_a_server_that_went_and_came_is_used_again(store: Store, server: PostgresServer) -> None:
    store.save(sample.run("green"))
    with server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loadonce'"
        )
    assert store.count() == 1


def test_nobody_at_the_address_is_a_sentence() -> None:
    with pytest.raises(StoreError, match=r"Check that the server runs and that LOADONCE_DATABASE_URL"):
        Store.open("postgresql://tester@127.0.0.1:1/history")


def test_the_command_line_uses_it(url: str, store: Store, home: Path) -> None:
    store.save(sample.run("red"))
    done = call("history", "list", "--verdict", "red", env={"LOADONCE_DATABASE_URL": url})
    assert (done.returncode, done.stderr) == (0, "")
    assert sample.run("red").run_id in done.stdout
    assert not (home / "history.db").exists()
