"""From a container's print to the screen: a real console, two tabs of a real browser, every line counted."""

from __future__ import annotations

import statistics
from typing import Any, Final

from benchmarks.containers import client, container
from benchmarks.figures import Report, Row
from benchmarks.live_console import console, tabs

__all__ = ["NAME", "run"]

NAME: Final = "live-lines"

_TABS: Final = 2
_CALM: Final = 1_000  # lines a second
_FLOOD: Final = 10_000
_TARGET_S: Final = 0.15
_PATIENCE_S: Final = 120.0
# Prints when it is told to: the tabs are open by then
_PRINTER: Final = """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGUSR1}})
print("ready")
for rate, total in {bursts}:
    signal.sigwait({{signal.SIGUSR1}})
    begun, n = time.monotonic(), 0
    while n < total:
        for _ in range(rate // 100):
            print(f"INFO {{time.time():.6f}} printed: line {{n:07d}} of what services say of their requests")
            n += 1
        time.sleep(max(0, begun + n / rate - time.monotonic()))
time.sleep(600)
"""


def run(seconds: float = 20.0) -> Report:
    """Measure for `seconds` at each rate. About a minute.

    Raises:
        NoEngine, NoBrowser: no container can be run, or no browser opened.
    """
    bursts = tuple((rate, int(rate * seconds)) for rate in (_CALM, _FLOOD))
    rows: list[Row] = []
    with (
        container(_PRINTER.format(bursts=bursts)) as name,
        console() as served,
        tabs(served, name, _TABS) as opened,
    ):
        for rate, total in bursts:
            for tab in opened:
                tab.begin()
            client("kill", "--signal", "USR1", name)
            for tab in opened:
                tab.wait(total, _PATIENCE_S + seconds)
            for number, tab in enumerate(opened, 1):
                rows += _rows(f"{rate:,} lines/s, tab {number}", total, tab.seen(), calm=rate == _CALM)
    return Report(
        NAME,
        "From a container's print to the screen of a browser",
        tuple(rows),
        (
            f"{seconds:g} s at each rate, {_TABS} tabs at once, every line. A line is on the screen when "
            "the list has drawn it, or a later one, and the next frame has begun; one machine, one clock.",
        ),
    )


def _rows(where: str, total: int, seen: dict[str, Any], *, calm: bool) -> tuple[Row, ...]:
    late = sorted(seen["late"])
    cuts = statistics.quantiles(late, n=100, method="inclusive")
    lost = total - len(late) + seen["skipped"] + seen["holes"]
    return (
        Row(f"{where}: lines that were not shown", lost, "lines", target=0, note=f"of {total:,}"),
        Row(f"{where}: print to screen, median", cuts[49], "s", quartiles=(cuts[24], cuts[74])),
        Row(f"{where}: print to screen, 95th percentile", cuts[94], "s", target=_TARGET_S if calm else None),
    )
