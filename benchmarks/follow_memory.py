"""The memory of a console that follows a container through millions of lines, with a tab on its log."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.containers import client, container
from benchmarks.figures import Report, Row
from benchmarks.live_console import console, tabs

__all__ = ["NAME", "Sample", "growth", "run"]

NAME: Final = "follow-memory"

_SETTLED: Final = 500_000  # lines after which nothing may grow any more
# A follower remembers the lines of two seconds, so that memory goes with the rate: let that be one
_RATE: Final = 20_000
_GROWTH_MB: Final = 10.0
_EVERY_S: Final = 0.5
_PATIENCE_S: Final = 1800.0
_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_PRINTER: Final = """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGUSR1}})
print("ready")
signal.sigwait({{signal.SIGUSR1}})
out = open(1, "w", buffering=1 << 16)
begun = time.monotonic()
for n in range({lines}):
    print(f'INFO:     10.0.0.7:40000 - "POST /jobs/{{n}}/variants HTTP/1.1" 200 OK', file=out)
    if n % 200 == 199:
        out.flush()
        time.sleep(max(0, begun + n / {rate} - time.monotonic()))
out.flush()
time.sleep(600)
"""


class Sample(NamedTuple):
    """The console's memory when its tab had come to a line."""

    lines: int
    pss_mb: float


def run(lines: int = 5_000_000) -> Report:
    """Follow so many lines. Some minutes.

    Raises:
        NoEngine, NoBrowser: no container can be run, or no browser opened.
        TimeoutError: the tab did not come to the last line.
    """
    with (
        container(_PRINTER.format(lines=lines, rate=_RATE)) as name,
        console() as served,
        tabs(served, name, 1) as (tab,),
    ):
        tab.begin()
        before = _pss_mb(served.pid)
        client("kill", "--signal", "USR1", name)
        samples, began = [Sample(0, before)], time.monotonic()
        while samples[-1].lines < lines:
            if time.monotonic() - began > _PATIENCE_S:
                raise TimeoutError(f"The tab is at line {samples[-1].lines:,} of {lines:,}.")
            tab.pause(_EVERY_S)
            samples.append(Sample(tab.count(), _pss_mb(served.pid)))
        took = time.monotonic() - began
        skipped = tab.seen()["skipped"]
    settled = [each for each in samples if each.lines >= min(_SETTLED, lines // 2)]
    return Report(
        NAME,
        f"The console's memory (PSS) while it follows {lines:,} lines",
        (
            Row("before the first line", before, "MB"),
            Row(f"after {settled[0].lines:,} lines", settled[0].pss_mb, "MB"),
            Row("the most of all", max(each.pss_mb for each in samples), "MB"),
            Row("after the last line", samples[-1].pss_mb, "MB"),
            Row("growth for each million lines since", growth(settled), "MB", target=_GROWTH_MB),
            Row("lines that the tab was not shown", skipped, "lines"),
        ),
        (
            f"{len(samples)} samples of the console's process in {took:.0f} s, at most {_RATE:,} lines/s. "
            "The growth is that of the straight line that fits them best.",
        ),
    )


def growth(samples: Sequence[Sample]) -> float:
    """Return the megabytes for each million lines, by least squares; 0 where there are no two places."""
    middle = sum(each.lines for each in samples) / len(samples)
    spread = sum((each.lines - middle) ** 2 for each in samples)
    if not spread:
        return 0.0
    return 1e6 * sum((each.lines - middle) * each.pss_mb for each in samples) / spread


def _pss_mb(pid: int) -> float:
    """The proportional memory of one process."""
    found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"))
    return int(found[1]) * 1024 / 1e6 if found else 0.0
