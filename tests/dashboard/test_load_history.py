"""What a container loaded as a figure, as words and as rows; how its lines are counted."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.bins import Window
from dashboard.engine.facts import ContainerEnd
from dashboard.evidence import LogEvent
from dashboard.history_chart import axis_of, history_figure, history_rows, history_words
from dashboard.language import speaking
from dashboard.load_history import LoadHistory, Volume
from dashboard.load_spans import load_spans
from dashboard.timeline_marks import Axis

END = 1_795_420_800.0
DAY = 86_400.0


def event(kind: str, ago: float, process: int = 1) -> LogEvent:
    """An event of a stranger's service, so many seconds before the end of the range."""
    fields = {"process": str(process)}
    return LogEvent(kind, "web", 0, END - ago, "feedlyai", f"says {kind}", fields=fields)  # type: ignore[arg-type]


def history(*events: LogEvent, ends: tuple[ContainerEnd, ...] | None = (), **others: Any) -> LoadHistory:
    spans = load_spans(events, [end.time for end in ends or ()])
    window = Window(END - DAY, END)
    return LoadHistory("web", window, running=False, events=events, ends=ends, spans=spans, **others)


def figure_of(found: LoadHistory, window: Window | None = None) -> Any:
    return history_figure(found, axis_of(found, UTC), window)


def lanes(figure: Any) -> list[str]:
    return list(figure.layout.yaxis.categoryarray)[::-1]


def trace(figure: Any, name: str) -> Any:
    return next(each for each in figure.data if each.name == name)


def test_loads_of_two_processes_have_a_lane_each_and_one_more_where_they_overlap() -> None:
    events = [event("started", 90), event("started", 80), event("completed", 70), event("completed", 60)]
    others = [event("started", 50, 2), event("completed", 40, 2)]
    figure = figure_of(history(*events, *others))
    assert lanes(figure) == ["process 1", "process 1 (2)", "process 2"]
    bars = trace(figure, "loads")
    assert list(bars.marker.pattern.shape) == ["x", "x", ""]


def test_a_load_of_a_second_is_seen_on_an_axis_of_a_day() -> None:
    figure = figure_of(history(event("started", 90), event("completed", 89)))
    assert trace(figure, "loads").x[0] == pytest.approx(DAY)  # milliseconds: a thousandth of the day


def test_a_load_that_a_restart_cut_off_ends_there() -> None:
    found = history(event("started", 90), ends=(ContainerEnd(END - 60, -9, False, True),))
    figure = figure_of(found, Window(END - 100, END))
    bars = trace(figure, "loads")
    assert bars.x[0] == 30_000
    assert "cut off by a restart" in bars.customdata[0][1]


def test_restarts_and_errors_have_lanes_that_tell_of_them() -> None:
    ends = (ContainerEnd(END - 60, -9, True, False), ContainerEnd(END - 30, 3, False, False))
    figure = figure_of(history(event("meta_tensor_error", 50), ends=ends))
    assert {"Meta tensor error", "Restarts"} <= set(lanes(figure))
    assert [words for _, words in trace(figure, "Restarts").customdata] == [
        "killed, out of memory",
        "ended by itself, status 3",
    ]
    assert len(figure.layout.shapes) == 2


def test_many_restarts_are_no_forest_of_lines() -> None:
    ends = tuple(ContainerEnd(END - DAY + 60 * n, 1, False, False) for n in range(1000))
    figure = figure_of(history(ends=ends))
    assert not figure.layout.shapes
    assert len(trace(figure, "Restarts").x) <= 80


def test_a_thousand_loads_of_as_many_processes_stay_a_figure_of_few_lanes_and_points() -> None:
    events = [
        event(kind, DAY - 60 * n - part, n)
        for n in range(1000)
        for part, kind in enumerate(("started", "completed"))
    ]
    figure = figure_of(history(*events))
    assert len(lanes(figure)) <= 11
    assert sum(len(each.y) for each in figure.data) < 1000


def test_the_axis_tells_the_reader_s_own_clock() -> None:
    seoul = axis_of(history(), timezone(timedelta(hours=9)))
    assert seoul.of(END) == (END + 9 * 3600) * 1000
    assert seoul.time(seoul.of(END)) == END
    assert axis_of(history(), UTC) == Axis(0.0, 1000.0)


def test_all_lines_of_the_range_are_counted_and_those_of_a_window_by_themselves() -> None:
    found = history(volume=((END - DAY, 5), (END - 3600, 7), (END - 60, 11)), lines=23)
    assert sum(trace(figure_of(found), "Log lines").y) == 23
    assert sum(trace(figure_of(found, Window(END - 120, END)), "Log lines").y) == 11


def test_what_it_shows_is_told_in_words() -> None:
    events = (event("started", 90), event("meta_tensor_error", 80))
    ends = (ContainerEnd(END - 60, 1, False, False),)
    words = history_words(history(*events, ends=ends, lines=1234, beyond=2))
    assert words.startswith("1 load.")
    assert "1 meta tensor error." in words
    assert "Its process ended 1 time." in words
    assert "1,234 log lines." in words
    assert "2 load events more are only counted" in words
    assert "does not tell when it was restarted" in history_words(history(ends=None))


def test_its_rows_tell_the_newest_load_first_and_what_was_wrong() -> None:
    events = [event("started", 90), event("completed", 80), event("started", 70), event("completed", 60)]
    with speaking("en@UTC"):
        rows = history_rows(history(*events))
    how = [row["How it ended"] for row in rows]
    assert how == ["✕ completed; its process had loaded this model before", "✓ completed"]
    assert [row["When"] for row in rows] == ["23 Nov 2026, 07:58:50 UTC", "23 Nov 2026, 07:58:30 UTC"]


class Log:
    """A log whose engine stamps lines in another form."""

    def read(self, stream: str, body: bytes) -> Any:
        return SimpleNamespace(nanos=61_500_000_000)


def test_lines_are_counted_by_the_minute_whatever_the_form_of_their_stamps() -> None:
    volume = Volume(DAY)
    stamp = b"2026-11-23T08:00:%02d.123456789Z line"
    volume.see(Log(), [("stdout", stamp % second) for second in (1, 59)])  # type: ignore[arg-type]
    volume.see(Log(), [("stdout", b"2026-11-23T08:01:00.000000000Z x"), ("stdout", b"1970 x")])  # type: ignore[arg-type]
    assert volume.counts(0.0) == ((60.0, 1), (END, 2), (END + 60, 1))
    assert volume.counts(10.0)[1] == (END - 10, 2)


def test_of_a_short_range_lines_are_counted_by_the_second() -> None:
    volume = Volume(3600)
    volume.see(Log(), [("stdout", b"2026-11-23T08:00:07.123456789Z line")])  # type: ignore[arg-type]
    assert (volume.width, volume.counts(0.0)) == (1, ((END + 7, 1),))
