from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from dashboard import console, session
from dashboard.live_access import LiveTokens
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.store import Store, StoreError, store_url
from tests.dashboard.recorded_runner import RecordedRunner


@pytest.fixture(autouse=True)
def no_console_left():
    before = session.install(None)
    yield
    left = session.install(before)
    if left is not None:
        left.runner.close()
        left.store.close()


def a_console(tmp_path):
    return session.Console(RecordedRunner(), Store.open(store_url(tmp_path)), LiveTokens())


def test_without_a_console_a_page_is_told_how_to_start_one():
    with pytest.raises(session.ConsoleClosed, match="make run"):
        session.console()


def test_every_tab_gets_the_same_console(tmp_path):
    session.install(a_console(tmp_path))
    assert session.console() is session.console()


def test_installing_gives_back_what_was_there(tmp_path):
    first = a_console(tmp_path)
    session.install(first)
    assert session.install(None) is first
    first.store.close()


def test_closing_ends_the_runner_and_the_history(tmp_path):
    opened = a_console(tmp_path)
    session.install(opened)
    session.close_console()
    assert opened.runner.closed == 1
    with pytest.raises(StoreError):
        opened.store.list()


def test_closing_twice_is_closing_once(tmp_path):
    opened = a_console(tmp_path)
    session.install(opened)
    session.close_console()
    session.close_console()
    assert opened.runner.closed == 1


def test_opening_marks_the_runs_that_a_dead_console_left(tmp_path, monkeypatch):
    monkeypatch.setattr(console, "open_runner", lambda store, home, on_end: RecordedRunner())
    store = Store.open(store_url(tmp_path))
    store.save(RunRecord("20261123-084512-000001", RunSettings(), "local", created_at=1.0))
    store.close()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection, connection:
        connection.execute("update runs set owner = ?", (f"{socket.gethostname()}:{dead.pid}:",))
    assert session.open_console(tmp_path).store.list()[0].status == "interrupted"


def test_a_history_that_cannot_be_opened_leaves_no_console(tmp_path):
    (tmp_path / "history.db").write_bytes(
        b"this is no database, though it is long enough to look like one" * 40
    )
    with pytest.raises(StoreError):
        session.open_console(tmp_path)
    with pytest.raises(session.ConsoleClosed):
        session.console()


def test_a_runner_that_cannot_be_opened_leaves_no_open_history(tmp_path, monkeypatch):
    def refuse(store, home, on_end):
        refuse.store = store
        raise OSError("no process could be started")

    monkeypatch.setattr(console, "open_runner", refuse)
    with pytest.raises(OSError, match="no process"):
        session.open_console(tmp_path)
    with pytest.raises(StoreError):
        refuse.store.list()
