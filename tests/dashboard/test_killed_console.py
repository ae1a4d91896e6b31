"""A console that is killed in the middle of a run: at the next start the run is there, its worker is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.store import Store, store_url
from tests.dashboard.command_line import ROOT

pytestmark = [pytest.mark.model, pytest.mark.slow]

# The console's own parts; its worker stops in the middle of its load, so that there is a middle
_CONSOLE = """
import os, signal, sys, threading
from pathlib import Path
from dashboard.console import open_parts
from dashboard.settings import RunSettings
console = open_parts(Path(os.environ["LOADONCE_HOME"]))
run_id = console.runner.launch(RunSettings(variants_per_job=3, control=False, timeout_s=600), actor="test")
stopped = threading.Event()
while not stopped.is_set():
    record = console.runner.record(run_id)
    assert record.running, record.message
    started = [e for t in record.trials for e in t.events if e.kind == "started"]
    if started:
        os.kill(started[0].pid, signal.SIGSTOP)
        print(run_id, started[0].pid, started[0].text.split()[0], flush=True)
        stopped.set()
    stopped.wait(0.005)
threading.Event().wait()
"""


def until(holds: Callable[[], bool], what: str) -> None:
    pause = threading.Event()
    for _ in range(2400):
        if holds():
            return
        pause.wait(0.05)
    pytest.fail(f"It did not come to this in two minutes: {what}")


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux shows them")
def test_what_was_seen_before_the_kill_is_there_at_the_next_start(home: Path, demo_home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "checkpoints").symlink_to(demo_home / "checkpoints")
    command = [sys.executable, "-c", _CONSOLE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as console:
        try:
            assert console.stdout is not None  # asked for with PIPE
            run_id, pid, _ = console.stdout.readline().split()
            store = Store.open(store_url(home))

            def seen() -> bool:
                record = store.load(run_id)
                return record is not None and any(
                    event.kind == "started" for trial in record.trials for event in trial.events
                )

            until(seen, "the load that has begun is in the history")  # before any trial has ended
        finally:
            console.kill()
    try:
        assert store.mark_interrupted() == 1
        record = store.load(run_id)
        assert record is not None
        assert (record.status, record.verdict.verdict if record.verdict else None) == (
            "interrupted", "inconclusive"
        )  # fmt: skip
        (trial,) = record.trials
        assert "started" in [event.kind for event in trial.events]
        assert [variant.state for variant in trial.variants] == ["sent"] * 3
        said = [line.text for line in store.log(run_id, "trial-1")]
        assert any("Loading LLaVa model" in text for text in said)
        os.kill(int(pid), signal.SIGCONT)
    except ProcessLookupError:
        pass  # it has gone already
    finally:
        store.close()
    until(lambda: is_gone(int(pid)), "the worker has gone")
