"""Counting the load events in a container's log: `verdict --container` beside `docker logs … | grep -c`."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.containers import client, container
from benchmarks.figures import Report, interleaved, measured

__all__ = ["NAME", "WrongCount", "compiled_once", "run"]

NAME: Final = "log-count"

_PROJECT: Final = Path(__file__).resolve().parent.parent
_PHRASE: Final = "Loading LLaVa model"
_FASTER: Final = 1.5
_CPU: Final = 0.5
# Of each thousand lines three tell of a load; the others are what services print of their requests
_WRITER: Final = """
out = open(1, "w", buffering=1 << 20)
start = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
bar = "Loading checkpoint shards:  67%|######7   | 2/3 [00:09<00:04,  4.5s/it]"
end = "✓ LLaVa model loaded successfully on cuda"
for n in range({lines}):
    k = n % 1000
    if 500 <= k < 503:
        line = (start, bar, end)[k - 500]
    elif k % 3 == 0:
        line = f'INFO:     10.0.0.7:{{4000 + k}} - "POST /jobs/{{n}}/variants HTTP/1.1" 200 OK'
    elif k % 3 == 1:
        line = f"2026-11-23 07:10:47,{{k:03d}} INFO app.pipeline job={{n}} step=vlm took {{k}} ms"
    else:
        line = f"2026-11-23 07:10:47,{{k:03d}} DEBUG app.store UPDATE jobs SET status='done' WHERE id={{n}}"
    print(line, file=out)
out.flush()
"""


class WrongCount(RuntimeError):
    """Two ways of counting the same lines came to different numbers: no speed makes up for that."""


class _Count(NamedTuple):
    found: int
    wall_s: float
    cpu_s: float


def run(rounds: int = 8, lines: int = 500_000) -> Report:
    """Measure on a log of `lines` lines. About a minute.

    Raises:
        NoEngine: no container can be run.
        WrongCount: the counts differ.
    """
    with container(_WRITER.format(lines=lines)) as name:
        client("wait", name)
        grep = f"docker logs {name} 2>&1 | grep -c {shlex.quote(_PHRASE)}"
        verdict = [sys.executable, "-m", "dashboard", "verdict", "--container", name, "--json"]
        ways = {
            grep.replace(name, "NAME"): functools.partial(_count, ["sh", "-c", grep]),
            "verdict --container NAME": functools.partial(_count, verdict),
            "the same in a process that runs": functools.partial(
                _count, [sys.executable, "-m", "benchmarks.log_counting", name]
            ),
        }
        found = interleaved(ways, rounds)
    counts = {way: {one.found for one in each} for way, each in found.items()}
    if any(each != {lines // 1000} for each in counts.values()):
        raise WrongCount(f"Of {lines // 1000} starts of a load were counted: {counts}.")
    (peer, theirs), *ours = found.items()
    wall, cpu = f"{peer}, wall time", f"{peer}, CPU of the client"
    walls, cpus = [one.wall_s for one in theirs], [one.cpu_s for one in theirs]
    rows = [measured(wall, "s", walls), measured(cpu, "s", cpus)]
    for way, counted in ours:
        took = [one.wall_s for one in counted]
        rows.append(measured(f"{way}, wall time", "s", took, peer=(wall, walls), target=1 / _FASTER))
        spent = [one.cpu_s for one in counted]
        rows.append(measured(f"{way}, CPU of the client", "s", spent, peer=(cpu, cpus), target=_CPU))
    return Report(
        NAME,
        f"Counting {lines // 1000:,} starts of a load in {lines:,} lines of a container's log",
        tuple(rows),
        (
            f"{rounds} rounds, all ways in each, whole processes from their start to their end; of the last "
            f"only the counting, as in a console, which runs already. Every count was {lines // 1000:,}. "
            "`verdict` reads the log with its time stamps, and judges it.",
        ),
    )


@functools.cache
def compiled_once() -> dict[str, str]:
    """An environment in which Python keeps what it has compiled, as it does for its users."""
    kept = tempfile.mkdtemp(prefix="loadonce-compiled-")
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    others = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return others | {"PYTHONPYCACHEPREFIX": kept}


def _count(command: Sequence[str]) -> _Count:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command,
        cwd=_PROJECT,
        env=compiled_once(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout)
    if isinstance(told, list):
        return _Count(*told)
    found = told if isinstance(told, int) else told["counts"]["load_started"]
    return _Count(found, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _count_here(name: str) -> _Count:
    from dashboard.engine.connection import Engine
    from dashboard.engine.whole_log import sift_log
    from dashboard.log_verdict import judge_log

    with contextlib.closing(Engine.open()) as engine:
        began, worked = time.monotonic(), time.process_time()
        judged = judge_log(sift_log(engine, engine.container(name)))
        wall, cpu = time.monotonic() - began, time.process_time() - worked
    return _Count(judged.verdict.counts.load_started, wall, cpu)


if __name__ == "__main__":
    print(json.dumps(_count_here(sys.argv[1])))
