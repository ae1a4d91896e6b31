"""Plotly figures that may change while they are looked at, and keep their zoom.

live_chart       draws a figure
timeline_chart   the same over an axis of time: tells which window is looked at, and which moment was clicked
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from dashboard.bins import Window
from dashboard.components.source import component
from dashboard.language import _

if TYPE_CHECKING:
    # Late: the first page needs no chart. plotly has no types of its own.
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]

__all__ = ["Moment", "clicked", "live_chart", "looked_at", "timeline_chart"]

_mount: Final = component("live_chart", ["chart_frame.js", "live_chart.js"], styles=["live_chart.css"])
_mount_timeline: Final = component(
    "timeline_chart",
    ["chart_frame.js", "timeline_chart.js"],
    styles=["live_chart.css", "timeline_chart.css"],
)
Moment = tuple[float, int | None]
"""A place on the axis of time, and the number of the log line that was clicked there, if it was one's."""


def live_chart(figure: Figure, *, label: str, library: str, key: str) -> None:
    """Draw `figure`, or change what is drawn under the same `key`.

    Args:
        label: what the chart shows, for people who cannot see it.
        library: path of plotly.min.js on this very server.
    """
    _mount(key=key, data={"figure": _document(figure), "label": label, "library": library})


def timeline_chart(
    figure: Figure,
    *,
    label: str,
    library: str,
    key: str,
    window: Window | None,
    moment: float | None,
    on_click: Callable[[], None],
) -> None:
    """Draw `figure`, whose first axis is one of time, with buttons that do what a mouse can.

    Args:
        label, library: as for `live_chart`.
        window: what is looked at when the chart is drawn for the first time; None is all of it.
        moment: a place on the axis that is marked.
        on_click: called when somebody asked for the log lines of a moment; `clicked` tells of which.
    """
    labels = {
        "bar": _("Move along the time axis"),
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
        "earlier": _("Earlier"),
        "later": _("Later"),
        "whole": _("All"),
        "whole_long": _("Show all of it"),
        "mark": _("Mark"),
        "previous": _("Previous mark"),
        "next": _("Next mark"),
        "lines": _("Log lines"),
        "lines_long": _("Show the log lines of this mark"),
    }
    # Room for it from the first moment on: what stands below would jump when it comes in.
    with st.container(key="timeline-room"):
        _mount_timeline(
            key=key,
            data={
                "figure": _document(figure),
                "label": label,
                "library": library,
                "window": None if window is None else [window.begin, window.end],
                "moment": moment,
                "labels": labels,
            },
            default={"window": None},
            on_window_change=_nothing,
            on_moment_change=on_click,
        )


def looked_at(key: str, otherwise: Window | None) -> Window | None:
    """Return the window that the timeline of this key shows now; `otherwise` before it is drawn first."""
    state = st.session_state.get(key)
    if state is None:
        return otherwise
    told = state.get("window")
    if not isinstance(told, dict):
        return None
    return Window(float(told["begin"]), float(told["end"]))


def clicked(key: str) -> Moment | None:
    """Return the moment that was asked for last on the timeline of this key; for its `on_click`."""
    state = st.session_state.get(key)
    told = None if state is None else state.get("moment")
    if not isinstance(told, dict):
        return None
    line = told.get("line")
    return float(told["at"]), int(line) if isinstance(line, int | float) else None


def _nothing() -> None:
    """A callback must be there for a state to exist; the page reads its value instead."""


def _document(figure: Figure) -> dict[str, Any]:
    # to_json, not to_dict: numbers come as plain lists, and an unknown is null.
    document: dict[str, Any] = json.loads(figure.to_json(engine="json"))
    document.get("layout", {}).pop("template", None)
    return document
