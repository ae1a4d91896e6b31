"""Threads that do the same thing at the same moment, and what each of them got."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from loader.controls import ModelSource

DEADLINE_S = 30.0


class Crowd:
    """`count` threads that run `call` together; `results` holds what each returned or raised."""

    def __init__(self, count: int, call: Callable[[], Any]) -> None:
        self.results: list[Any] = []
        self._call = call
        self._barrier = threading.Barrier(count)
        self._threads = [
            threading.Thread(target=self._run, name=f"crowd-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        self._barrier.wait(DEADLINE_S)
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.results.append(error)

    def join(self) -> list[Any]:
        for thread in self._threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive(), "a thread of the crowd hangs"
        return self.results


class SlowLoad:
    """A load function that tells when it has begun and ends when it is let."""

    def __init__(self, make: Callable[[], Any] = object) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.calls = 0
        self._make = make

    def __call__(self) -> Any:
        self.calls += 1
        self.begun.set()
        assert self.go_on.wait(DEADLINE_S)
        return self._make()


def wait_for_waiters(loader: ModelSource[Any], count: int) -> None:
    """Wait until `count` callers of `loader` wait for its load."""
    deadline = time.monotonic() + DEADLINE_S
    while loader.counts.get("waiting", 0) < count:
        if time.monotonic() > deadline:
            raise AssertionError(f"only {loader.counts.get('waiting', 0)} of {count} wait")
        time.sleep(0.01)


async def turns_until(condition: Callable[[], bool]) -> None:
    """Give the event loop turns until `condition` holds: what it waits for comes from another thread."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0)
