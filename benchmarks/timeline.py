"""The Timeline page over a run of a hundred thousand events: how soon it opens, and what an update costs.

recorded run --history--> the real console --> Chromium         opening, and each second of a run that goes on
             --history--> the page's script in this process     one more run of it
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Report, Row, measured
from benchmarks.live_console import CHART_DRAWN, chromium, console
from dashboard.evidence import LogEvent, LogLine, Variant, Worker
from dashboard.record import RunRecord, TrialRecord
from dashboard.settings import RunSettings
from dashboard.store import Store, store_url

__all__ = ["NAME", "recorded_run", "run"]

NAME: Final = "timeline"

_FRAME: Final = Path(__file__).resolve().parent.parent / "dashboard" / "frame.py"
_OPEN_S: Final = 2.0
_RERUN_MS: Final = 150.0
_UPDATE_KB: Final = 20.0
_LOAD_S: Final = 20.0
_PATIENCE_MS: Final = 60_000
_WHOLE, _LIVE = "20261123-080000-bench1", "20261123-081000-bench2"


def recorded_run(run_id: str, variants: int, events: int, zero: float) -> RunRecord:
    """Return a run of one load that told how far it was so many times, while the other variants waited."""
    names = [f"job-1.variant-{number}" for number in range(1, variants + 1)]
    step = _LOAD_S / max(events, 1)

    def event(number: int) -> LogEvent:
        kind: Any = "progress"
        if number < variants:
            kind = "requested" if number else "started"
        elif number == events - 1:
            kind = "completed"
        thread = names[number] if number < variants else names[0]
        at, load = zero + step * number, None if kind == "requested" else 1
        told = {"done": str(number), "total": str(events), "unit": "tensors"} if kind == "progress" else {}
        return LogEvent(
            kind, "trial-1", number, at, "loadonce", "Loading weights", "3f9c1a", number + 1, load, "demo",
            7, thread, told,
        )  # fmt: skip

    answered = tuple(
        Variant(
            "job-1", name, "answered", zero + 0.0001 * place, zero + _LOAD_S + 0.02 * place, 200, None,
            "3f9c1a", 7, "here", 1, "demo", _LOAD_S * 1000, _LOAD_S * 1000, 80.0, "a square",
        )
        for place, name in enumerate(names)
    )  # fmt: skip
    trial = TrialRecord(
        1, "trial", "on", "trial-1", zero - 1, zero, variants=answered,
        events=tuple(event(number) for number in range(events)),
        workers=(Worker("3f9c1a", 7, "trial-1", "healthz"),), ended_at=zero + 2 * _LOAD_S,
    )  # fmt: skip
    settings = RunSettings(variants_per_job=variants)
    return RunRecord(run_id, settings, "local", zero - 1, "finished", "done", trials=(trial,))


def run(rounds: int = 6, variants: int = 1000, events: int = 100_000, seconds: int = 10) -> Report:
    """Measure. About a minute.

    Raises:
        NoBrowser: no browser can be opened.
    """
    whole = recorded_run(_WHOLE, variants, events, 1_795_420_800.0)

    def keep(home: Path) -> None:
        store = Store.open(store_url(home))
        store.save(whole)
        store.save_log(_WHOLE, "trial-1", _log_of(whole))
        store.close()

    opened: list[float] = []
    homes: list[Path] = []

    def prepare(home: Path) -> None:
        keep(home)
        homes.append(home)

    with console(prepare) as served, chromium() as browser:
        tab = browser.new_context().new_page()
        for _round in range(rounds + 1):  # the first warms up: the library comes once for each browser
            begun = time.monotonic()
            tab.goto(f"{served.url}/timeline?run={_WHOLE}")
            tab.wait_for_function(CHART_DRAWN, timeout=_PATIENCE_MS)
            opened.append(time.monotonic() - begun)
        updates = _live_updates(homes[0], tab, served.url, whole, seconds)
    with tempfile.TemporaryDirectory(prefix="loadonce-benchmark-") as home:
        keep(Path(home))
        reruns = _reruns(Path(home), rounds)
    return Report(
        NAME,
        f"The timeline of a run of {variants:,} variants and {events:,} events",
        (
            Row("opening it for the first time in a browser", opened[0], "s"),
            measured("opening it, page to picture", "s", opened[1:], target=_OPEN_S),
            measured("one more run of the page's script", "ms", reruns, target=_RERUN_MS),
            measured("an update while it goes on, as received", "kB", updates, target=_UPDATE_KB),
        ),
        (
            "Opening: the real console, a headless Chromium, from the address to the drawn chart. The "
            "script: Streamlit's own test runner, in this process. Updates: all that the WebSocket brings "
            "of the chart and what stands with it, each second, while another process adds to the run.",
        ),
    )


def _log_of(whole: RunRecord) -> list[LogLine]:
    return [LogLine("trial-1", each.line, "stdout", each.time, each.text) for each in whole.trials[0].events]


def _live_updates(home: Path, tab: Any, url: str, whole: RunRecord, seconds: int) -> list[float]:
    """Return the kilobytes that each second brings of a run that another process makes."""
    store = Store.open(store_url(home))
    received: Counter[str] = Counter()
    tab.on("websocket", lambda socket: socket.on("framereceived", _counting(received)))
    trial = whole.trials[0]

    def save(share: float) -> None:
        events = trial.events[: int(len(trial.events) * share)]
        waiting = tuple(
            replace(each, state="sent", answered=None) if place % 10 > share * 10 else each
            for place, each in enumerate(trial.variants)
        )
        now = replace(trial, events=events, variants=waiting, ended_at=None)
        store.save(replace(whole, run_id=_LIVE, status="running", step="settle", trials=(now,)))

    found: list[float] = []
    try:
        save(0.02)
        tab.goto(f"{url}/timeline?run={_LIVE}")
        tab.wait_for_function(CHART_DRAWN, timeout=_PATIENCE_MS)
        for second in range(seconds):
            received.clear()
            save(0.02 + 0.08 * second / seconds)  # what a worker tells in a second, many times over
            tab.wait_for_timeout(1000)
            found.append(max(received.values(), default=0) / 1000)
        store.save(replace(whole, run_id=_LIVE, status="finished"))
    finally:
        store.close()
    return found[1:]  # the page itself may still be among the first


def _counting(received: Counter[str]) -> Callable[[bytes], None]:
    """Return what counts the bytes of each fragment of a page: the chart's are the most by far."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # late: no other benchmark reads the wire

    def count(frame: bytes) -> None:
        message = ForwardMsg.FromString(frame)
        received[message.delta.fragment_id] += len(frame)

    return count


def _reruns(home: Path, rounds: int) -> list[float]:
    """Return how many milliseconds one more run of the page's script takes."""
    from streamlit.testing.v1 import AppTest  # late: no other benchmark draws pages

    from dashboard import session
    from dashboard.live_access import LiveTokens
    from dashboard.runs import open_runner

    store = Store.open(store_url(home))
    runner = open_runner(store, home)
    before = session.install(session.Console(runner, store, LiveTokens(), home=home))
    try:
        tab = AppTest.from_file(str(_FRAME), default_timeout=60).run()
        tab.switch_page("app_pages/timeline.py")
        tab.query_params.update({"run": _WHOLE})
        found = []
        for _round in range(rounds + 1):
            begun = time.monotonic()
            tab.run()
            found.append((time.monotonic() - begun) * 1000)
            if tab.exception:
                raise RuntimeError(f"The page failed: {tab.exception[0].value}")
    finally:
        session.install(before)
        runner.close()
        store.close()
    return found[1:]
