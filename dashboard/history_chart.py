"""What a container loaded over its last hours, as a figure and as rows: loads, errors, restarts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.bins import Window, moments
from dashboard.chart_style import RED, VIOLET, Panel, stack
from dashboard.engine.facts import ContainerEnd
from dashboard.language import _, n_, zone_words
from dashboard.load_history import LoadHistory
from dashboard.load_spans import LoadSpan, span_words
from dashboard.timeline_marks import MOST_BINS, Axis, Lane, add_counts, add_ends, add_load_bars, add_marks
from dashboard.timeline_words import loads_words
from dashboard.wording import seconds, when

__all__ = ["axis_of", "history_figure", "history_rows", "history_words"]

_MOST_LANES: Final = 10
_FEW_ENDS: Final = 8
_MILLISECONDS: Final = 1000.0


def axis_of(history: LoadHistory, zone: tzinfo | None) -> Axis:
    """Return the axis of a history: the reader's own clock, as dates.

    The library shows dates in UTC: the moments are shifted, by what the zone is away at the range's end.
    """
    away = datetime.fromtimestamp(history.window.end).astimezone(zone).utcoffset()
    return Axis(-(away.total_seconds() if away is not None else 0.0), _MILLISECONDS)


def history_figure(history: LoadHistory, axis: Axis, window: Window | None = None) -> go.Figure:
    """Return the figure.

    Args:
        axis: from `axis_of`. window: what is looked at, in Unix seconds; None is all of it.
    """
    figure = go.Figure()
    view = history.window if window is None else window.widened(0.5)
    lanes = _lanes(history.spans)
    near = [
        (span, lane)
        for span, lane in zip(history.spans, lanes, strict=True)
        if span.begin <= view.end and (span.end is None or span.end >= view.begin)
    ]
    restarts = [end.time for end in history.ends or ()]
    until = [_until(span, restarts, history.window.end) for span, _lane in near]
    add_load_bars(
        figure, [span for span, _lane in near], [lane for _span, lane in near], until, axis=axis, view=view
    )
    names = list(dict.fromkeys(lanes)) or [_("Loads")]
    names += _errors(figure, history, axis, view)
    names += _ends(figure, history, axis, view)
    panels = [Panel("y", max(70, 28 * len(names))), Panel("y4", 110)]
    _add_volume(figure, history, axis, view)
    stack(figure, panels)
    figure.update_layout(showlegend=False, barmode="overlay", bargap=0.35)
    figure.update_xaxes(
        title={"text": zone_words(history.window.end)}, type="date",
        range=[axis.of(history.window.begin), axis.of(history.window.end)], nticks=7,
        tickformatstops=[
            {"dtickrange": [None, 1000], "value": "%H:%M:%S.%L"},
            {"dtickrange": [1000, 60_000], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%d %b"},
            {"dtickrange": [86_400_000, None], "value": "%d %b"},
        ],
    )  # fmt: skip
    figure.update_yaxes(automargin=True, ticks="", ticklabelstandoff=10)
    figure.update_layout(
        yaxis={"categoryorder": "array", "categoryarray": names[::-1], "type": "category",
               "range": [-0.6, len(names) - 0.4]},
        yaxis4={"title": {"text": _("log lines")}, "rangemode": "tozero", "nticks": 4},
    )  # fmt: skip
    return figure


def history_words(history: LoadHistory) -> str:
    """Return what the figure shows, in words."""
    told = [loads_words(history.spans)]
    if history.meta_errors:
        told.append(n_("{count} meta tensor error.", "{count} meta tensor errors.", history.meta_errors))
    if history.ends is None:
        told.append(_("The engine does not tell when it was restarted."))
    else:
        told.append(
            n_("Its process ended {count} time.", "Its process ended {count} times.", len(history.ends))
        )
    told.append(n_("{count} log line.", "{count} log lines.", history.lines))
    if history.beyond:
        told.append(
            n_(
                "{count} load event more is only counted: choose a shorter range.",
                "{count} load events more are only counted: choose a shorter range.",
                history.beyond,
            )
        )
    return " ".join(told)


def history_rows(history: LoadHistory) -> list[dict[str, Any]]:
    """Return a row for each load, the newest first, by the reader's clock."""
    return [
        {
            _("When"): when(span.begin),
            _("Process"): span.process,
            _("Model"): span.model,
            _("Took"): seconds(span.end - span.start)
            if span.start is not None and span.end is not None
            else None,
            _("How it ended"): f"{_sign(span)} {span_words(span)}",
        }
        for span in reversed(history.spans)
    ]


def _sign(span: LoadSpan) -> str:
    if span.bad or span.outcome == "failed":
        return "✕"
    return "✓" if span.outcome == "completed" else "?"


def _until(span: LoadSpan, restarts: Sequence[float], end: float) -> float:
    """Return up to where a load without an end is drawn: the restart that cut it off, or the range's end."""
    return next((at for at in restarts if at >= span.begin), end)


def _lanes(spans: Sequence[LoadSpan]) -> list[str]:
    """Return a lane for each load: its process's own, and one more for each load that lies over another."""
    busy: dict[str, list[float]] = {}
    several = len({span.process for span in spans}) <= _MOST_LANES
    found = []
    for span in spans:
        name = span.process if several else _("Loads")
        tracks = busy.setdefault(name, [])
        end = span.end if span.end is not None else span.begin
        track = next((place for place, until in enumerate(tracks) if until <= span.begin), len(tracks))
        track = min(track, _MOST_LANES - 1)
        if track == len(tracks):
            tracks.append(end)
        else:
            tracks[track] = max(tracks[track], end)
        found.append(name if track == 0 else f"{name} ({track + 1})")
    names = list(dict.fromkeys(found))
    return [lane if lane in names[:_MOST_LANES] else _("More loads") for lane in found]


def _errors(figure: go.Figure, history: LoadHistory, axis: Axis, view: Window) -> list[str]:
    names = []
    for kind, name in (("failed", _("Failed")), ("meta_tensor_error", _("Meta tensor error"))):
        events = [event for event in history.events if event.kind == kind]
        if not events:
            continue

        def tell(place: int, events: Sequence[Any] = events) -> tuple[int | None, str]:
            return None, events[place].text[:90]

        add_marks(figure, Lane(name, RED, "x"), moments(each.time for each in events), view, tell, axis=axis)
        names.append(name)
    return names


def _ends(figure: go.Figure, history: LoadHistory, axis: Axis, view: Window) -> list[str]:
    """Mark where the process ended: in a lane, and where they are few with a line through the whole."""
    ends = history.ends or ()
    if not ends:
        return []
    lane = Lane(_("Restarts"), VIOLET, "triangle-down")
    times = moments(end.time for end in ends)
    add_marks(figure, lane, times, view, lambda place: (None, _end_words(ends[place])), axis=axis)
    if len(ends) <= _FEW_ENDS:
        add_ends(figure, [(end.time, "") for end in ends], axis=axis)
    return [lane.name]


def _end_words(end: ContainerEnd) -> str:
    if end.out_of_memory:
        return _("killed, out of memory")
    if end.asked:
        return _("stopped or restarted by somebody")
    return _("ended by itself, status {status}", status=end.status)


def _add_volume(figure: go.Figure, history: LoadHistory, axis: Axis, view: Window) -> None:
    """Add the lines of each part of the view; never finer than they were counted."""
    slots = int(max(1, min(MOST_BINS, view.width // history.width)))
    begun = moments(begin for begin, _count in history.volume)
    counts, _edges = np.histogram(
        begun, bins=slots, range=(view.begin, view.end), weights=[count for _begin, count in history.volume]
    )
    add_counts(figure, [int(count) for count in counts], view, axis=axis, y_axis="y4")
