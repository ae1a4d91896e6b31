"""Judging a log in a file: `verdict --file` beside six patterns on each line, and a bare count."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.figures import Report, interleaved, measured
from benchmarks.log_counting import WrongCount, compiled_once

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
# 60 bytes a line, and in each 50,000 lines one load, as a service tells that is started now and then
_EVERY: Final = 50_000
_WRITER: Final = """
out = open(1, "w", buffering=1 << 20)
start = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
bar = "Loading checkpoint shards:  67%|######7   | 2/3 [00:09<00:04,  4.5s/it]"
end = "✓ LLaVa model loaded successfully on cuda"
for n in range({lines}):
    k = n % {every}
    if 500 <= k < 503:
        line = (start, bar, end)[k - 500]
    elif k % 3 == 0:
        line = f'INFO:     10.0.0.7:{{4000 + k}} - "GET /jobs/{{n}} HTTP/1.1" 200'
    elif k % 3 == 1:
        line = f"2026-11-23 07:10:47 INFO app.pipeline job={{n}} step=vlm {{k}} ms"
    else:
        line = f"2026-11-23 07:10:47 DEBUG app.store UPDATE jobs WHERE id={{n}}"
    print(line, file=out)
out.flush()
"""
# What a process is given to begin with counts as its own memory: it must begin as that of a small one
_LAUNCHER: Final = """
import json, os, sys, time
began = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
took = time.monotonic() - began
print(json.dumps([took, used.ru_utime + used.ru_stime, used.ru_maxrss]), file=sys.stderr)
sys.exit(0 if status == 0 else 1)
"""
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
            writer = _WRITER.format(lines=lines, every=_EVERY)
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
    loads = (lines - 501) // _EVERY + 1
    if any(each != {loads} for each in counts.values()):
        raise WrongCount(f"Of {loads} starts of a load were counted: {counts}.")
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
            f"was {loads:,}. `{counted}` counts lines that hold one fixed phrase and judges nothing; "
            "the six patterns are searched by Python's own `re` in lines of bytes, in any case, and "
            "judge nothing either.",
        ),
    )


def _judge(command: Sequence[str]) -> _Judged:
    done = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *command],
        cwd=_PROJECT,
        env=compiled_once(),
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)
    wall, cpu, memory = json.loads(done.stderr.splitlines()[-1])
    found = told if isinstance(told, int) else told["counts"]["load_started"]
    return _Judged(found, wall, cpu, memory / (1e6 if sys.platform == "darwin" else 1e3))


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
