"""Judging a log in a file: `verdict --file` beside six patterns on each line, and a bare count."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.figures import Report, interleaved, measured
from benchmarks.log_counting import WRITER, WrongCount, compiled_once

__all__ = ["NAME", "run"]

NAME: Final = "verdict-file"

_PROJECT: Final = Path(__file__).resolve().parent.parent
_PHRASE: Final = "Loading LLaVa model"
_SIX: Final = (
    rb"loading llava model",
    rb"model loaded successfully",
    rb"cannot copy out of meta tensor",
    rb"loading (?:checkpoint shards|weights)",
    rb"downloading/loading (?:processor|model)",
    rb"failed to load|error loading",
)
"""As somebody would write them who wants what a verdict needs, in any spelling, as a verdict must."""
_SHARE: Final = 0.1
_MEMORY_MB: Final = 100


class _Judged(NamedTuple):
    found: int
    wall_s: float
    cpu_s: float
    memory_mb: float


def run(rounds: int = 6, lines: int = 5_000_000) -> Report:
    """Measure on a log of `lines` lines. Some minutes.

    Raises:
        WrongCount: the ways came to different numbers.
    """
    with tempfile.TemporaryDirectory(prefix="loadonce-verdict-") as folder:
        log = Path(folder) / "app.log"
        with log.open("wb") as out:
            writer = WRITER.format(lines=lines)
            subprocess.run([sys.executable, "-c", writer], stdout=out, check=True)
        size = log.stat().st_size
        counter = "rg" if shutil.which("rg") else "grep"
        six, counted, ours = "six patterns on each line", f"{counter} -c", "verdict --file"
        found = interleaved(
            {
                six: functools.partial(_judge, [sys.executable, "-m", "benchmarks.verdict_file", str(log)]),
                counted: functools.partial(_judge, [counter, "-c", _PHRASE, str(log)]),
                ours: functools.partial(
                    _judge, [sys.executable, "-m", "dashboard", "verdict", "--file", str(log), "--json"]
                ),
            },
            rounds,
        )
    counts = {way: {one.found for one in each} for way, each in found.items()}
    if any(each != {lines // 1000} for each in counts.values()):
        raise WrongCount(f"Of {lines // 1000} starts of a load were counted: {counts}.")
    walls = {way: [one.wall_s for one in each] for way, each in found.items()}
    cpus = {way: [one.cpu_s for one in each] for way, each in found.items()}
    memory = [one.memory_mb for one in found[ours]]
    wall, cpu, bare = f"{six}, wall time", f"{six}, CPU", f"{counted}, wall time"
    return Report(
        NAME,
        f"Judging a log of {lines:,} lines ({size / 1e6:,.0f} MB) in a file",
        (
            measured(wall, "s", walls[six]),
            measured(cpu, "s", cpus[six]),
            measured(bare, "s", walls[counted]),
            measured(f"{ours}, wall time", "s", walls[ours], peer=(wall, walls[six]), target=_SHARE),
            measured(f"{ours}, CPU", "s", cpus[ours], peer=(cpu, cpus[six]), target=_SHARE),
            measured(f"{ours}, against the bare count", "s", walls[ours], peer=(bare, walls[counted])),
            measured(f"{ours}, peak memory", "MB", memory, target=_MEMORY_MB),
        ),
        (
            f"{rounds} rounds, all ways in each, whole processes from their start to their end. Every count "
            f"was {lines // 1000:,}. `{counted}` counts lines that hold one fixed phrase and judges nothing; "
            "the six patterns are searched by Python's own `re` in lines of bytes, in any case, and "
            "judge nothing either.",
        ),
    )


def _judge(command: Sequence[str]) -> _Judged:
    began = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=_PROJECT,
        env=compiled_once(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None  # a pipe was asked for
        told = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    found = told if isinstance(told, int) else told["counts"]["load_started"]
    memory = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return _Judged(found, wall, used.ru_utime + used.ru_stime, memory)


def _search(log: Path) -> int:
    """Search each line for the six patterns and return how often the first was found."""
    expressions = [re.compile(each, re.IGNORECASE) for each in _SIX]
    found = [0] * len(expressions)
    with log.open("rb") as lines:
        for line in lines:
            for number, expression in enumerate(expressions):
                if expression.search(line) is not None:
                    found[number] += 1
    return found[0]


if __name__ == "__main__":
    print(_search(Path(sys.argv[1])))
