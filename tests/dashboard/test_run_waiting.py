"""Whoever waits for a run may be interrupted; the run is not taken for ended by that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.run import Run
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.targets.base import Target, Warmth


class WarmingTarget:
    """A target that is never warm."""

    name = "local"

    def warmth(self) -> Warmth:
        return Warmth("importing", "Warming up.")

    def wait_warm(self, timeout: float) -> Warmth:
        threading.Event().wait(timeout)
        return self.warmth()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run that goes on until it is aborted."""
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    run = Run("20261123-084512-3f9c1a", RunSettings(), "test", cast(Target, WarmingTarget()), store)
    run.start()
    yield run
    run.abort()
    assert run.wait(60)
    store.close()


def test_a_run_goes_on_when_a_key_press_ends_the_waiting_for_it(run: Run) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            run.wait(60)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not run.wait(0)
    assert run.record().running
