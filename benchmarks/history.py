"""The history with a thousand runs: its page, a run of 100,000 events, and its logs, kept and searched."""

from __future__ import annotations

import json
import random
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import re2  # type: ignore[import-untyped]  # it ships no types

from benchmarks.figures import Report, interleaved, measured
from dashboard.evidence import Counts, LogEvent, LogLine, Reason, Variant, Verdict
from dashboard.log_search import runs_that_say
from dashboard.logpack import LogPattern, matches, pack_parts
from dashboard.record import RunRecord, TrialRecord, to_json
from dashboard.settings import RunSettings
from dashboard.store import Store

__all__ = ["NAME", "run"]

NAME: Final = "history"

_PAGE_MS: Final = 150.0
_OPEN_S: Final = 2.0
_ZERO: Final = 1_795_420_800.0
_PATTERN: Final = r"tick \d*77 queue=5\d"
_FRAME: Final = Path(__file__).resolve().parent.parent / "dashboard" / "frame.py"


def run(rounds: int = 8, *, runs: int = 1000, events: int = 100_000, lines: int = 200_000) -> Report:
    """Fill a history of its own and measure it. A minute or so."""
    draw = random.Random(1)
    log = _lines(lines, draw)
    packed = [part for part, _ in pack_parts(log)]
    before = _packed_before(log)
    with (
        tempfile.TemporaryDirectory(prefix="loadonce-bench-") as folder,
        closing(Store.open(f"sqlite:///{folder}/many.db")) as many,
        closing(Store.open(f"sqlite:///{folder}/one.db")) as one,
        _console_put_back(),
    ):
        _fill(many, runs, draw)
        _fill(one, 1, draw)
        large = _record("large", "green", events)
        one.save(large)
        document = to_json(large)
        timed = interleaved(
            {
                "page": lambda: _timed(_page(many)),
                "page of one": lambda: _timed(_page(one)),
                "open": lambda: _timed(lambda: one.load("large")),
                "parse": lambda: _timed(lambda: json.loads(document)),
                "keep": lambda: _timed(lambda: list(pack_parts(log))),
                "keep before": lambda: _timed(lambda: _packed_before(log)),
                "search": lambda: _timed(lambda: _found(packed)),
                "search before": lambda: _timed(lambda: _found_before(before)),
                "all logs": lambda: _timed(
                    lambda: runs_that_say(many, LogPattern("meta tensor"), within_s=600)
                ),
            },
            rounds,
        )
    size, size_before = sum(map(len, packed)) / 1e6, len(before) / 1e6
    ms = {name: [value * 1000 for value in values] for name, values in timed.items()}
    old = "JSON under zlib, as before"
    return Report(
        NAME,
        f"A history of {runs:,} runs",
        (
            measured("the page, with one run", "ms", ms["page of one"]),
            measured(f"the page, with {runs:,} runs", "ms", ms["page"], target=_PAGE_MS),
            measured(
                f"open a run of {events:,} events", "s", timed["open"], target=_OPEN_S,
                note=f"{len(document) / 1e6:.0f} MB of JSON",
            ),
            measured("parse its JSON into plain dicts", "s", timed["parse"]),
            measured(f"keep a log of {lines:,} lines, {old}", "ms", ms["keep before"]),
            measured(
                "… as Parquet", "ms", ms["keep"], peer=(old, ms["keep before"]), target=1.0,
                note=f"{size:.2f} MB, where it was {size_before:.2f} MB",
            ),
            measured(f"search that log by RE2, {old}", "ms", ms["search before"]),
            measured("… as Parquet", "ms", ms["search"], peer=(old, ms["search before"]), target=0.5),
            measured(f"find the runs whose log says it, among {runs:,}", "s", timed["all logs"]),
        ),
        (f"{rounds} rounds, in turn. The page is drawn by its server, without a browser.",),
    )  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _page(store: Store) -> Callable[[], object]:
    """Open the page once, as a tab does, and return what draws it again."""
    # Late: a benchmark of something else need not wait for Streamlit
    from streamlit.testing.v1 import AppTest

    from dashboard import session
    from dashboard.live_access import LiveTokens
    from dashboard.runs import Runner

    session.install(session.Console(Runner(_Idle(), store), store, LiveTokens()))  # type: ignore[arg-type]
    tab = AppTest.from_file(str(_FRAME), default_timeout=60).run()
    tab.switch_page("app_pages/history.py").run()
    if tab.exception or not tab.dataframe:
        raise RuntimeError(f"The History page did not come up: {tab.exception}")
    return tab.run


@contextmanager
def _console_put_back() -> Iterator[None]:
    """The pages ask for the process's own console: whoever had one has it again afterwards."""
    from dashboard import session

    before = session.install(None)
    try:
        yield
    finally:
        session.install(before)


class _Idle:
    """A target at which nothing is done."""

    name: Final = "local"

    def warmth(self) -> object:
        from dashboard.targets.base import Warmth

        return Warmth("ready", "Ready: a trial starts at once.")


def _fill(store: Store, count: int, draw: random.Random) -> None:
    for number in range(count):
        colour = draw.choice(("green", "red"))
        run_id = f"run-{number:05}"
        store.save(replace(_record(run_id, colour, 60), created_at=_ZERO + number))
        words = "Cannot copy out of meta tensor; no data!" if colour == "red" else "Model loaded successfully"
        said = [*(f"Loading weights {place}/40" for place in range(40)), words]
        store.save_log(
            run_id,
            "trial-1",
            [LogLine("trial-1", at, "stdout", _ZERO + at, text) for at, text in enumerate(said)],
        )


def _record(run_id: str, colour: str, events: int) -> RunRecord:
    """A run of one trial with so many events, as a worker of ours tells them."""
    verdict = Verdict(colour, (Reason("loaded_once", "One load."),), Counts(1, 1))  # type: ignore[arg-type]
    told = tuple(
        LogEvent(
            "progress", "trial-1", place, _ZERO + place / 100, "loadonce", f"Loading weights {place}",
            boot="3f9c1a", seq=place + 1, load=1, model="demo", pid=7, thread="variant-1",
            fields={"done": str(place), "total": str(events), "unit": "tensors"},
        )
        for place in range(events)
    )  # fmt: skip
    variants = tuple(
        Variant("job-1", f"variant-{place}", "answered", _ZERO, _ZERO + 1, 200) for place in range(8)
    )
    trial = TrialRecord(
        1, "trial", "on", "trial-1", _ZERO, _ZERO, _ZERO + 2, variants=variants, events=told, verdict=verdict
    )
    return RunRecord(
        run_id, RunSettings(variants_per_job=8), "local", _ZERO, status="finished", step="done",
        finished_at=_ZERO + 2, verdict=verdict, trials=(trial,), versions={"transformers": "5.23.0"},
    )  # fmt: skip


def _lines(count: int, draw: random.Random) -> list[LogLine]:
    """A log as services write them: loads, requests, and lines with something random in them."""
    found = []
    for number in range(count):
        if number % 7 == 0:
            text = f"INFO loader Loading weights {number % 113}/113 event=progress boot=3f9c1a seq={number}"
        elif number % 7 < 4:
            text = (
                f'INFO:     10.0.0.{number % 250}:{draw.randrange(65_000)} - "POST /variants HTTP/1.1" 200 OK'
            )
        else:
            text = f"DEBUG tick {number} queue={draw.randrange(99)} id={draw.getrandbits(64):016x}"
        stream = "stderr" if number % 7 == 1 else "stdout"
        found.append(LogLine("trial-1", number, stream, _ZERO + number / 770, text))  # type: ignore[arg-type]
    return found


def _found(packed: list[bytes]) -> int:
    return sum(len(matches("trial-1", part, LogPattern(_PATTERN))) for part in packed)


def _packed_before(lines: list[LogLine]) -> bytes:
    rows = (json.dumps((line.number, line.stream, line.time, line.text)) for line in lines)
    return zlib.compress("\n".join(rows).encode("ascii"), 3)


def _found_before(packed: bytes) -> int:
    pattern = re2.compile(f"(?i){_PATTERN}")
    rows = map(json.loads, zlib.decompress(packed).decode("ascii").splitlines())
    return sum(pattern.search(row[3]) is not None for row in rows)
