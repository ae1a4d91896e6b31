"""`sweep` on the real thing: real workers, cold and warm, and a Ctrl-C in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard.commands.sweep import sweep
from dashboard.store import Store, store_url
from dashboard.sweep import sweep_from_json

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dashboard", "sweep"]


@pytest.mark.model
@pytest.mark.slow
def test_a_sweep_over_guards_and_states_is_green_by_the_cells_with_the_guard_on(
    demo_home: Path, tmp_path: Path
) -> None:
    report = tmp_path / "sweep.xml"
    done = subprocess.run(
        [
            *(*COMMAND, "--variants", "3", "--guards", "on,no-second-check", "--states", "cold,warm"),
            *("--repeat", "2", "--json", "--report", str(report)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "LOADONCE_HOME": str(demo_home)},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == "green"
    assert [(each["guard"], each["state"], each["held"], each["red"]) for each in told["cells"]] == [
        ("on", "cold", 2, 0),
        ("no-second-check", "cold", 0, 2),
        ("on", "warm", 2, 0),
        ("no-second-check", "warm", 2, 0),
    ]
    assert told["cells"][0]["contended"] == 3
    store = Store.open(store_url(demo_home))
    runs = [store.load(each["run_id"]) for each in told["cells"]]
    store.close()
    assert {run.sweep for run in runs if run is not None} == {told["sweep_id"]}
    # Alone, a warm trial proves nothing; in its cell it is what was to be shown
    warm = runs[2]
    assert warm is not None
    assert warm.verdict is not None
    assert (warm.verdict.verdict, warm.verdict.reasons[0].code) == ("inconclusive", "no_load")
    assert "2 of 2 reused, no load" in done.stderr
    assert 'failures="0"' in report.read_text("utf-8")


@pytest.mark.model
@pytest.mark.slow
def test_ctrl_c_in_the_middle_keeps_what_was_made(demo_home: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--variants", "2", "--guards", "on", "--repeat", "500", "--states", "warm,cold", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LOADONCE_HOME": str(demo_home)},
    )
    store, tick = Store.open(store_url(demo_home)), threading.Event()
    try:
        while not any(row.repeat == 500 and row.status == "running" for row in store.list(limit=5)):
            assert process.poll() is None
            tick.wait(0.1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
        told = json.loads(out)
        kept = sweep_from_json(store.sweeps(limit=1)[0])
        run = store.load(told["cells"][0]["run_id"])
    finally:
        process.kill()
        store.close()
    assert process.returncode == 3
    assert (told["status"], kept.status, kept.sweep_id) == ("aborted", "aborted", told["sweep_id"])
    assert told["cells"][1]["run_id"] is None
    assert run is not None
    assert (run.status, run.sweep) == ("aborted", kept.sweep_id)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--variants", "2,x"], "is no list of whole numbers"),
        (["--guards", "on,maybe"], "--guards: maybe is no guard mode"),
        (["--variants", "2,5000"], "--variants: Variants per job must be between 1 and 1,000"),
        (["--report", "sweep.txt"], "ends in '.txt'"),
        (["--target", "container:yh"], "--guards: The guard of a container cannot be set"),
    ],
)
def test_what_cannot_be_made_is_told_before_anything_starts(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(sweep, arguments)
    assert done.exit_code == 2
    assert said in done.output
