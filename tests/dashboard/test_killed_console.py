"""A console that is killed in the middle of a run: at the next start the run is there, its worker is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from dashboard.cut_runs import mark_interrupted
from dashboard.record import RunRecord
from dashboard.store import Store, store_url
from tests.dashboard.command_line import ROOT

pytestmark = [pytest.mark.model, pytest.mark.slow]

# The console's own parts. Its worker is stopped in the middle of its load, so that there is a middle; then it
# says what it shows, and is killed at that very moment: nothing that lags has a chance to catch up.
_CONSOLE = """
import json, os, signal, sys, threading
from pathlib import Path
from dashboard import attendance
from dashboard.console import open_parts
from dashboard.settings import RunSettings
attendance._EVERY_S = 3600.0
console = open_parts(Path(os.environ["LOADONCE_HOME"]))
if sys.argv[1] == "lagging":
    console.store.journals = None
run_id = console.runner.launch(RunSettings(variants_per_job=3, control=False, timeout_s=600), actor="test")
stopped, tick = None, threading.Event()
while True:
    record = console.runner.record(run_id)
    assert record.running, record.message
    events = [event for trial in record.trials for event in trial.events]
    started = [event for event in events if event.kind == "started"]
    if started and stopped is None:
        stopped = started[0].pid
        os.kill(stopped, signal.SIGSTOP)
    if stopped and [each.state for each in record.trials[0].variants] == ["sent"] * 3:
        lines = console.runner.rings(run_id)["trial-1"].read().lines
        shown = {"run": run_id, "pid": stopped, "step": record.step, "events": [e.line for e in events],
                 "variants": [v.sent for v in record.trials[0].variants], "lines": [l.text for l in lines]}
        print(json.dumps(shown), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    tick.wait(0.005)
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


def killed(home: Path, demo_home: Path, how: str) -> dict[str, Any]:
    """Run a console until it is killed, and return what it had shown."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "checkpoints").symlink_to(demo_home / "checkpoints")
    command = [sys.executable, "-c", _CONSOLE, how]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as console:
        assert console.stdout is not None  # asked for with PIPE
        shown: dict[str, Any] = json.loads(console.stdout.readline())
    assert console.returncode == -signal.SIGKILL
    return shown


def found(home: Path, run_id: str) -> tuple[RunRecord, list[str]]:
    """Do what the next start does; return the run as it then is, and the lines of its log."""
    with closing(Store.open(store_url(home))) as store:
        assert mark_interrupted(store) == (run_id,)
        record = store.load(run_id)
        assert record is not None
        return record, [line.text for line in store.log(run_id, "trial-1")]


linux_only = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks for processes as Linux shows them"
)


@linux_only
def test_all_that_was_shown_before_the_kill_is_there_at_the_next_start(home: Path, demo_home: Path) -> None:
    shown = killed(home, demo_home, "kept first")
    record, lines = found(home, shown["run"])
    assert record.status == "interrupted"
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    (trial,) = record.trials
    assert trial.workers
    assert [event.line for event in trial.events] == shown["events"]
    assert [variant.sent for variant in trial.variants] == shown["variants"]
    assert lines[: len(shown["lines"])] == shown["lines"]
    assert any("Loading LLaVa model" in text for text in lines)
    assert list((home / "journals").iterdir()) == []
    with suppress(ProcessLookupError):  # it has gone already
        os.kill(shown["pid"], signal.SIGCONT)
    until(lambda: is_gone(shown["pid"]), "the worker has gone")


@linux_only
def test_a_console_that_keeps_later_than_it_shows_would_lose_it(home: Path, demo_home: Path) -> None:
    """The red twin: without the journal the test above would fail."""
    shown = killed(home, demo_home, "lagging")
    record, lines = found(home, shown["run"])
    assert shown["events"]
    assert (record.trials, lines) == ((), [])
    with suppress(ProcessLookupError):
        os.kill(shown["pid"], signal.SIGCONT)
    until(lambda: is_gone(shown["pid"]), "the worker has gone")
