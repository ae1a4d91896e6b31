"""The benchmarks that need an engine, at a size at which they only show that they measure."""

from __future__ import annotations

import pytest

from benchmarks import log_counting
from benchmarks.containers import NoEngine, client

# The SDK leaves the socket of a refused connection to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def test_both_ways_of_counting_a_log_are_measured_and_agree() -> None:
    report = log_counting.run(rounds=1, lines=5000)
    assert [row.target for row in report.rows] == [None, pytest.approx(2 / 3), None, 0.5]
    assert all(row.ratio is not None for row in report.rows if row.target)


def test_counts_that_differ_are_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_counting, "_PHRASE", "POST")
    with pytest.raises(log_counting.WrongCount, match="5 starts"):
        log_counting.run(rounds=1, lines=5000)


def test_an_engine_that_refuses_is_told_with_the_next_step() -> None:
    with pytest.raises(NoEngine, match=r"No such container.*LOADONCE_BENCHMARK_IMAGE"):
        client("wait", "nobody")
