"""What the Timeline page shows: the address is the truth, chart and widgets are ways to change it.

?run=…&trial=2&begin=0.12&end=0.4&at=0.2&line=17     a window of a trial, and the moment that was clicked
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dashboard import session
from dashboard.bins import Moments, Window, moments
from dashboard.components.live_chart import Moment, clicked, looked_at
from dashboard.evidence import LogEvent
from dashboard.live_feed import LineSource
from dashboard.log_moments import MomentLines, lines_around
from dashboard.logs import MAX_LINES
from dashboard.record import RunRecord, TrialRecord
from dashboard.spans import origin
from dashboard.store import StoreError

__all__ = [
    "MOST_ROWS",
    "TABLE",
    "TrialLog",
    "keep_window",
    "moment_in_address",
    "note_click",
    "note_tick",
    "number_in_address",
    "shown_events",
    "trial_lines",
    "trial_log",
    "window_of",
]

TABLE: Final = "events"
"""Key of the table of events."""
MOST_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class TrialLog:
    """The log of a trial: its lines, when each of them came, and the number of the first."""

    lines: LineSource
    times: Moments
    first: int


def window_of(key: str) -> Window | None:
    """Return what the chart of this key looks at: what its reader chose, at first what the address says."""
    begin, end = number_in_address("begin"), number_in_address("end")
    linked = Window(begin, end) if begin is not None and end is not None and begin < end else None
    return looked_at(key, linked)


def keep_window(window: Window | None) -> None:
    """Put what is looked at into the address, so that a colleague sees the same."""
    if window is None:
        for name in ("begin", "end"):
            st.query_params.pop(name, None)
    else:
        session.address(begin=f"{window.begin:.4f}", end=f"{window.end:.4f}")


def note_click(key: str) -> None:
    """Put the moment that was clicked on the chart of this key into the address; for its `on_click`."""
    found = clicked(key)
    if found is not None:
        _keep_moment(*found)


def note_tick(trial: TrialRecord, events: Sequence[LogEvent]) -> None:
    """Put the event that was ticked in the table of `events` into the address; for its `on_select`."""
    for index in st.session_state[TABLE]["selection"]["rows"]:
        if index < len(events):  # else the table was shorter by then
            event = events[index]
            zero = origin(trial) or trial.started_at
            _keep_moment(event.time - zero, event.line if event.line >= 0 else None)


def moment_in_address() -> Moment | None:
    """Return the moment whose log lines are to be shown, and its line if it is one's."""
    at, line = number_in_address("at"), session.address_number("line")
    return None if at is None else (at, None if line is None else max(line - 1, 0))


def trial_log(record: RunRecord, trial: TrialRecord) -> TrialLog | None:
    """Return the log of a trial as far as it is there; None where none was kept, or none can be read."""
    ring = session.console().runner.rings(record.run_id).get(trial.source)
    if ring is not None:
        lines = ring.read(0, MAX_LINES).lines
        return TrialLog(ring, moments(line.time for line in lines), lines[0].number if lines else 0)
    try:
        kept = session.console().opened.lines(session.console().store, record.run_id, trial.source)
    except StoreError:
        return None  # the record was read a moment ago: the page tells what it has
    return TrialLog(kept.log, kept.times, kept.first) if len(kept.times) else None


def trial_lines(trial: TrialRecord, log: TrialLog | None, moment: Moment) -> MomentLines:
    """Return the lines of a trial's log around a moment of its timeline."""
    if log is None:
        return MomentLines((), None)
    at, line = moment
    zero = origin(trial) or trial.started_at
    return lines_around(log.lines, log.times, log.first, at=at + zero, number=line)


def shown_events(trial: TrialRecord, window: Window | None) -> tuple[tuple[LogEvent, ...], int]:
    """Return the events that a table lists, in the order of time, and how many there are in the window."""
    events: Sequence[LogEvent] = trial.events
    if window is not None:
        zero = origin(trial) or trial.started_at
        begin, end = window.begin + zero, window.end + zero
        events = [event for event in events if begin <= event.time <= end]
    return tuple(sorted(events, key=lambda event: event.time)[:MOST_ROWS]), len(events)


def _keep_moment(at: float, line: int | None) -> None:
    session.address(at=f"{at:.4f}")
    if line is None:
        st.query_params.pop("line", None)
    else:
        session.address(line=line + 1)


def number_in_address(name: str) -> float | None:
    """Return a number of the address; None when it is missing or none."""
    try:
        value = float(st.query_params.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
