"""The benchmark of `verdict --file`, on a log of a few lines."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as command
from benchmarks import verdict_file
from benchmarks.log_counting import WrongCount


def test_every_way_is_measured_beside_its_peer() -> None:
    report = verdict_file.run(rounds=1, lines=3000)
    assert report.title.startswith("Judging a log of 3,000 lines")
    peers = {row.what: row.peer for row in report.rows}
    assert peers["verdict --file, wall time"] == "six patterns on each line, wall time"
    assert peers["verdict --file, against the bare count"] in ("rg -c, wall time", "grep -c, wall time")
    memory = report.rows[-1]
    assert (memory.what, memory.unit, memory.target) == ("verdict --file, peak memory", "MB", 100)
    assert memory.value is not None
    assert memory.value > 5


def test_ways_that_count_differently_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = verdict_file._WRITER.replace("start, bar, end", "start, start, end")
    monkeypatch.setattr(verdict_file, "_WRITER", twice)
    with pytest.raises(WrongCount, match="Of 1 starts of a load were counted"):
        verdict_file.run(rounds=1, lines=2000)


def test_it_can_be_asked_for_by_its_name() -> None:
    assert verdict_file.NAME in command.ON_REQUEST
