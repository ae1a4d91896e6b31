"""The shelf of containers where the engine hangs, which no real engine does when it is asked to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.shelf import ContainerShelf
from dashboard.log_range import LogRange

PATIENCE_S = 60.0


class HangingLog:
    """A log that says nothing; its close waits until `count` logs are being closed."""

    def __init__(self, all_told: threading.Barrier) -> None:
        self._all_told, self._closed = all_told, threading.Event()
        self.broke_off = False

    def __iter__(self) -> Iterator[bytes]:
        self._closed.wait(PATIENCE_S)
        yield from ()

    def close(self) -> None:
        self._all_told.wait(PATIENCE_S)
        self._closed.set()


def test_nobody_waits_for_the_one_who_looks_for_an_engine() -> None:
    looking, found = threading.Event(), threading.Event()

    def open_engine() -> object:
        looking.set()
        found.wait(2 * PATIENCE_S)
        raise EngineError("No Docker engine answers.")

    shelf = ContainerShelf(open_engine)
    finder = threading.Thread(target=shelf.listing)
    asker = threading.Thread(target=shelf.following, args=("yh",), daemon=True)
    finder.start()
    assert looking.wait(PATIENCE_S)
    asker.start()
    asker.join(PATIENCE_S)
    answered = not asker.is_alive()
    found.set()
    finder.join()
    assert answered


def test_an_engine_that_is_found_after_the_close_is_closed() -> None:
    closed = threading.Event()

    def open_engine() -> object:
        shelf.close()
        return SimpleNamespace(close=closed.set)

    shelf = ContainerShelf(open_engine)
    with pytest.raises(EngineError, match="closing"):
        shelf.log("yh", LogRange())
    assert closed.is_set()


def test_logs_of_an_engine_that_hangs_are_closed_all_at_once() -> None:
    names = ("one", "two", "three")
    all_told = threading.Barrier(len(names))
    opened = threading.Semaphore(0)

    def read_log(*_: object, **__: object) -> HangingLog:
        opened.release()
        return HangingLog(all_told)

    engine = SimpleNamespace(
        container=lambda name: ContainerFacts(name, name, "image", "sha256:1", "running"),
        read_log=read_log,
        clock_ahead_s=0.0,
        close=lambda: None,
    )
    shelf = ContainerShelf(lambda: engine)
    logs = [shelf.log(name, LogRange()).source for name in names]
    assert all(opened.acquire(timeout=PATIENCE_S) for _ in names)
    shelf.close()
    assert [log.closed for log in logs] == [True, True, True]
