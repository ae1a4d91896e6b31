"""The run history that several use at once: processes, threads, and another program that holds its lock."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest

from dashboard.evidence import LogLine
from dashboard.store import Store, StoreError
from tests.dashboard import sample_records as sample


class _held:  # noqa: N801 - reads as a statement
    """Another program that holds the write lock of a SQLite file."""

    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)

    def __enter__(self) -> None:
        self._connection.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


def _save_many(url: str, name: str) -> None:
    store = Store.open(url)
    for number in range(10):
        record = sample.run("green", run_id=f"{name}-{number}")
        store.save(record)
        store.save_log(record.run_id, "trial-1", [LogLine("trial-1", 0, "stdout", 1.0, name)])
        store.list()
    store.close()


def test_several_processes_open_and_write_the_same_new_history(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_save_many, args=(url, f"w{n}")) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    store = Store.open(url)
    assert len(store.list()) == 40
    store.close()


def test_several_threads_save_the_same_run(store: Store) -> None:
    record = sample.run("green")
    errors: list[BaseException] = []

    def save() -> None:
        try:
            for _ in range(10):
                store.save(record)
                store.load(record.run_id)
        except BaseException as error:  # noqa: BLE001 - shown by the assert below
            errors.append(error)

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert errors == []
    assert len(store.list()) == 1


def test_a_reader_is_not_held_up_by_a_writer(store: Store, url: str) -> None:
    store.save(sample.run("green"))
    with _held(url):
        assert len(store.list()) == 1


def test_a_locked_history_says_who_to_close(url: str, tmp_path: Path) -> None:
    store = Store.open(url, lock_wait_s=0.2)
    with _held(url), pytest.raises(StoreError, match="is locked by another program") as caught:
        store.check_writable()
    store.close()
    assert str(tmp_path / "history.db") in str(caught.value)
