"""From launch to verdict: its parts, fifty repeats, and the ratio to the guide's way."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.figures import Report, Row, measured
from dashboard.home import PROJECT_ROOT, data_home
from dashboard.record import RunRecord
from dashboard.runs import Runner, open_runner
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.triggers.base import plan_variants
from dashboard.triggers.worker import WorkerTrigger

__all__ = ["NAME", "run"]

NAME: Final = "launch-to-verdict"

_WHAT: Final = "launch to verdict"
_VARIANTS: Final = 8
_REPEATS: Final = 50
_GUIDE_WAIT_S: Final = 120.0
_PORT: Final = 18765


def run(*, guide: bool = True, repeats: int = _REPEATS, singles: int = 5) -> Report:
    """Measure. Takes about a minute, and three with the guide's way."""
    home = data_home()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/history.db")
        began = time.monotonic()
        runner = open_runner(store, home)
        try:
            _timed(runner, RunSettings(variants_per_job=1, control=False))  # warms up, and makes the demo
            warm_s = time.monotonic() - began
            single = [_timed(runner, RunSettings(variants_per_job=_VARIANTS)) for _ in range(singles)]
            many_s, many = _timed(runner, RunSettings(variants_per_job=_VARIANTS, repeat=repeats))
        finally:
            runner.close()
            store.close()
    seconds = [seconds for seconds, _ in single]
    verdict = many.verdict.verdict if many.verdict is not None else "none"
    rows = [
        Row("the preloaded process warms up, once, and the first trial", warm_s, "s"),
        *(Row(f"  {name}", took, "s") for name, took in _parts(single[-1][1]).items()),
        measured(_WHAT, "s", seconds),
        Row(f"{repeats} repeats in fresh processes, one control: {verdict}", many_s, "s"),
    ]
    if guide:
        guide_s, counted = _guides_way(home)
        way = f"the guide's way: restart, trigger, wait {_GUIDE_WAIT_S:g} s, grep -c = {counted}"
        rows.append(measured(way, "s", [guide_s] * len(seconds), peer=(_WHAT, seconds), note="Taken once."))
    return Report(
        NAME,
        f"Launch to verdict, {_VARIANTS} variants, control included",
        tuple(rows),
        (f"Launch to verdict is the median of {singles}; its parts are those of the last.",),
    )


def _timed(runner: Runner, settings: RunSettings) -> tuple[float, RunRecord]:
    began = time.monotonic()
    record = runner.wait(runner.launch(settings, actor="benchmark"))
    return time.monotonic() - began, record


def _parts(record: RunRecord) -> dict[str, float]:
    """Return where the time of a run went, in its order."""
    parts: dict[str, float] = {}
    for trial in record.trials:
        released, ended = trial.released_at or trial.started_at, trial.ended_at or trial.started_at
        name = "control" if trial.role == "control" else "trial"
        parts[f"{name}: fresh worker alive"] = trial.alive_s or 0.0
        parts[f"{name}: connections open, released"] = max(
            0.0, released - trial.started_at - (trial.alive_s or 0)
        )
        parts[f"{name}: released to settled and ended"] = ended - released
    return parts


def _guides_way(home: Path) -> tuple[float, int]:
    """Do what the guide does by hand: a fresh service, a trigger, a fixed wait, a count."""
    began = time.monotonic()
    env = {**os.environ, "LOADONCE_MODEL": str(home / "checkpoints" / "demo")}
    with tempfile.TemporaryFile() as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "loader.worker", "--port", str(_PORT)],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            env=env,
        )
        try:
            while not _answers():
                time.sleep(0.1)
            trigger = WorkerTrigger(plan_variants(1, 3), host="127.0.0.1", port=_PORT, timeout_s=60)
            trigger.arm(30)
            trigger.release()
            time.sleep(_GUIDE_WAIT_S)
            trigger.close()
        finally:
            service.terminate()
            service.wait()
        log.seek(0)
        return time.monotonic() - began, len(re.findall(rb"Loading LLaVa model", log.read()))


def _answers() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
