"""Whatever a worker's log holds, the record is kept, the pages are drawn and the reports are written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.charts import timeline_figure
from dashboard.evidence import LogLine, Variant, Worker
from dashboard.listing import event_rows
from dashboard.phases import board_view
from dashboard.record import RunRecord, TrialRecord
from dashboard.report import write_report
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.timeline import Timeline
from dashboard.verdict import judge

NOW = 1795417847.0
PAIRS = "boot=b model=m pid=7 thread=job-1.variant-1"
ONCE = tuple(
    f"2026-11-23T07:10:47.{number}00000Z INFO loader {phrase} event={kind} seq={number} {PAIRS}{more}"
    for number, phrase, kind, more in (
        (1, "Model requested", "requested", ""),
        (2, "Loading LLaVa model", "started", " load=1"),
        (3, "Model loaded successfully", "completed", " load=1 seconds=1.0"),
    )
)
AGAIN = ONCE[1].replace("seq=2", "seq=4").replace("load=1", "load=2")
HOSTILE = {
    "half a character": AGAIN.replace("model=m", 'model="\\ud800"'),
    "half a character in a pair": AGAIN + ' x="\\udfff"',
    "a NUL": AGAIN.replace("LLaVa", "LL\0Va"),
    "a NUL in a pair": AGAIN.replace("model=m", 'model="\\u0000"'),
    "a negative number": AGAIN.replace("seq=4", "seq=-4"),
    "a huge number": AGAIN.replace("load=2", "load=" + "9" * 4000),
    "a huge process id": AGAIN.replace("pid=7", "pid=" + "9" * 400),
    "NaN seconds": ONCE[2].replace("seconds=1.0", "seconds=nan"),
    "infinite seconds": ONCE[2].replace("seconds=1.0", "seconds=1e999"),
    "the last year": AGAIN.replace("2026-11-23T07", "9999-12-31T23"),
    "the first year": AGAIN.replace("2026-11-23", "0001-01-01"),
    "an enormous name": AGAIN.replace("model=m", "model=" + "m" * 1_000_000),
    "an enormous phrase": AGAIN.replace("LLaVa", "L" * 1_000_000),
    "a flood of pairs": AGAIN + "".join(f" x{number}=1" for number in range(100_000)),
    "a quote that never ends": AGAIN + ' x="' + "\\" * 100_001,
    "a worker that is its own parent": AGAIN + " parent_boot=b",
    "colours and directions": AGAIN.replace("model=m", 'model="\\u001b[31m\u202e</script><b>"'),
    "pairs of a stranger's log": AGAIN + " process=x processes=y",
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def record(request: pytest.FixtureRequest) -> RunRecord:
    """A run whose worker loaded once and then printed one hostile line."""
    timeline = Timeline()
    for number, text in enumerate((*ONCE, request.param)):
        timeline.feed(LogLine("trial-1", number, "stdout", NOW, text))
    variant = Variant(
        "job-1", "job-1.variant-1", "answered", NOW, NOW + 1, 200, boot="b", load_id=1, model_id="m"
    )
    trial = TrialRecord(
        1, "trial", "on", "trial-1", NOW, released_at=NOW, ended_at=NOW + 2, variants=(variant,),
        events=timeline.events(), gaps=timeline.gaps(), workers=(Worker("b", 7, "trial-1", "healthz"),),
    )  # fmt: skip
    trial = replace(trial, verdict=judge(trial.evidence()))
    return RunRecord(
        "run-1", RunSettings(), "local", NOW, status="finished", step="done", finished_at=NOW + 2,
        verdict=trial.verdict, trials=(trial,),
    )  # fmt: skip


@pytest.fixture(params=["EAST-14", "WEST+12"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The farthest time zones: a moment near the ends of the calendar has no local time there."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_record_is_kept_as_it_was(record: RunRecord, store: Store) -> None:
    store.save(record)
    assert store.load("run-1") == record


def test_the_record_stays_small(record: RunRecord, store: Store, tmp_path: Path) -> None:
    store.save(record)
    assert (tmp_path / "history.db").stat().st_size < 500_000


def test_the_board_can_be_sent_to_a_browser(record: RunRecord) -> None:
    assert json.dumps(board_view(record), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.usefixtures("zone")
def test_the_timeline_page_is_drawn(record: RunRecord) -> None:
    trial = record.trials[0]
    assert timeline_figure(trial).to_json().encode()
    assert len(event_rows(trial)) == len(trial.events)


@pytest.mark.parametrize("ending", ["html", "json", "xml", "csv", "events.csv"])
def test_a_report_is_written(record: RunRecord, tmp_path: Path, ending: str) -> None:
    write_report(record, tmp_path / f"run.{ending}")
    assert (tmp_path / f"run.{ending}").read_text("utf-8")
