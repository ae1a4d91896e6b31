"""The few lines of a log that stand beside a chart."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

from dashboard.bins import moments
from dashboard.evidence import LogLine
from dashboard.live_feed import KeptLog
from dashboard.log_moments import AFTER, BEFORE, MomentLines, lines_around, lines_text

LINES = tuple(LogLine("web", 100 + n, "stdout", 1000.0 + n, f"line {n}") for n in range(50))
LOG, TIMES = KeptLog(LINES), moments(line.time for line in LINES)


def around(*, at: float = 0.0, number: int | None = None) -> MomentLines:
    return lines_around(LOG, TIMES, 100, at=at, number=number)


def test_the_lines_around_a_line_are_shown_with_it_marked() -> None:
    found = around(number=120)
    assert found.line is LINES[20]
    assert found.lines == LINES[20 - BEFORE : 21 + AFTER]


def test_a_moment_means_the_line_that_came_nearest_to_it() -> None:
    assert around(at=1020.4).line is LINES[20]
    assert around(at=1020.6).line is LINES[21]


def test_before_the_first_line_and_behind_the_last_the_outermost_are_meant() -> None:
    assert around(at=0.0).line is LINES[0]
    assert around(at=9999.0).line is LINES[-1]
    assert around(number=5000).line is None or around(number=5000).line is LINES[-1]


def test_a_log_without_lines_has_none_to_show() -> None:
    empty = lines_around(KeptLog(()), moments(()), 0, at=1.0, number=None)
    assert (empty.lines, empty.line) == ((), None)


def test_the_text_has_the_number_of_each_line_and_marks_the_one_meant() -> None:
    rows = lines_text(around(number=102), UTC).splitlines()
    assert [row[:5] for row in rows[:4]] == ["  101", "  102", "▶ 103", "  104"]
    assert rows[2].endswith("line 2")


def test_what_a_log_holds_cannot_break_the_text() -> None:
    hostile = LogLine("web", 0, "stdout", 1.0, "\x1b[31mred\u202e" + "x" * 1000)
    text = lines_text(MomentLines((hostile,), 0), None)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 500


def test_the_clock_is_the_reader_s_and_a_container_s_lines_have_no_numbers() -> None:
    line = LogLine("web", 0, "stdout", 1000.0, "said")
    assert lines_text(MomentLines((line,), 0), UTC, numbered=False) == "▶ 00:16:40.000 said"
    seoul = timezone(timedelta(hours=9))
    assert lines_text(MomentLines((line,), 0), seoul, numbered=False) == "▶ 09:16:40.000 said"
