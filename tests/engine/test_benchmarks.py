"""The benchmarks that need an engine, at a size at which they only show that they measure."""

from __future__ import annotations

import pytest

from benchmarks import exact_resume, follow_memory, live_lines, log_counting
from benchmarks.containers import NoEngine, client


def test_all_ways_of_counting_a_log_are_measured_and_agree() -> None:
    report = log_counting.run(rounds=1, lines=5000)
    assert [row.target for row in report.rows] == [None, None, *2 * (pytest.approx(2 / 3), 0.5)]
    assert all(row.ratio is not None for row in report.rows if row.target)


def test_counts_that_differ_are_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_counting, "_PHRASE", "POST")
    with pytest.raises(log_counting.WrongCount, match="5 starts"):
        log_counting.run(rounds=1, lines=5000)


def test_an_engine_that_refuses_is_told_with_the_next_step() -> None:
    with pytest.raises(NoEngine, match=r"No such container.*LOADONCE_BENCHMARK_IMAGE"):
        client("wait", "nobody")


def test_a_killed_engine_costs_the_follower_no_line() -> None:
    report = exact_resume.run(kills=1, lines=2000)
    assert [row.value for row in report.rows[:3]] == [0, 0, 0]


def test_the_private_engine_alone_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOADONCE_TEST_ENGINE")
    with pytest.raises(NoEngine, match=r"private_engine\.py python -m benchmarks exact-resume"):
        exact_resume.run()


@pytest.mark.browser
@pytest.mark.slow
def test_every_line_that_is_printed_comes_to_the_screen_of_both_tabs() -> None:
    rows = live_lines.run(seconds=1).rows
    lost = [row.value for row in rows if "not shown" in row.what]
    late = [row.value for row in rows if "print to screen" in row.what]
    assert lost == [0] * 4
    assert len(late) == 8
    assert all(seconds and seconds > 0 for seconds in late)


@pytest.mark.browser
@pytest.mark.slow
def test_the_console_s_memory_is_read_while_it_follows_a_flood() -> None:
    rows = {row.what: row.value for row in follow_memory.run(lines=20_000).rows}
    assert rows["lines that the tab was not shown"] == 0
    assert rows["before the first line"] > 20
