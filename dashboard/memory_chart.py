"""The memory of a trial as a figure: what its process held, with a line for each model added. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.bins import Window
from dashboard.language import _
from dashboard.memory import Steps, steps_of
from dashboard.record import TrialRecord
from dashboard.wording import plural

__all__ = ["add_memory", "memory_figure"]

_VIOLET, _GREY = "#8a63d2", "#8290a6"


def memory_figure(trial: TrialRecord | None, zero: float) -> go.Figure | None:
    """Return the memory over a trial, in seconds since `zero`; None where it shows no models."""
    if trial is None or steps_of(trial.memory, trial.released_at).silent:
        return None
    figure = go.Figure()
    _draw(figure, trial, zero, "y")
    figure.update_layout(
        height=220, margin={"l": 12, "r": 84, "t": 20, "b": 44}, uirevision="kept", hovermode="closest",
        template="none", showlegend=False, xaxis_title_font_size=13, yaxis_title_font_size=13,
    )  # fmt: skip
    figure.update_xaxes(title_text="seconds since the release")
    figure.update_yaxes(title_text="MB", rangemode="tozero", automargin=True)
    return figure


def add_memory(figure: go.Figure, trial: TrialRecord, zero: float, axis: str, view: Window) -> bool:
    """Add the memory to `figure` on `axis`, as far as it lies in `view`; False without two samples.

    One sample on each side more, so that its line leaves the picture where it really does.
    """
    if trial.memory is None or len(trial.memory.samples) < 2:
        return False
    _draw(figure, trial, zero, axis, view)
    title = {"text": _("memory, MB"), "font": {"size": 13}}
    figure.update_layout({f"yaxis{axis[1:]}": {"title": title, "rangemode": "tozero"}})
    return True


def _draw(figure: go.Figure, trial: TrialRecord, zero: float, axis: str, view: Window | None = None) -> None:
    assert trial.memory is not None  # asked by the callers
    steps = steps_of(trial.memory, trial.released_at)
    held = [(each.time - zero, each.at(steps.place)) for each in trial.memory.samples]
    points = [(at, round(count / 1e6)) for at, count in held if count is not None]
    if view is not None:
        first = max(bisect_left(points, (view.begin, 0)) - 1, 0)
        points = points[first : bisect_right(points, (view.end, 0)) + 1]
    figure.add_trace(
        go.Scatter(
            x=[round(at, 3) for at, _ in points], y=[megabytes for _, megabytes in points], yaxis=axis,
            mode="lines+markers", name="Memory", cliponaxis=view is not None,
            hovertemplate="%{y:,} MB, %{x:.2f} s<extra></extra>",
            showlegend=False, line={"color": _VIOLET, "width": 2}, marker={"color": _VIOLET, "size": 6},
        )
    )  # fmt: skip
    if not steps.silent:
        _mark_steps(figure, steps, zero, axis)


def _mark_steps(figure: go.Figure, steps: Steps, zero: float, axis: str) -> None:
    """A line where each number of models would lie, and a sign where the memory went up by one for good."""
    dashed: dict[str, Any] = {"color": _GREY, "width": 1.2, "dash": "dot"}
    for number in range(steps.copies + 1):
        level = round((steps.before + number * steps.size) / 1e6)
        figure.add_shape(
            type="line", xref="paper", x0=0, x1=1, yref=axis, y0=level, y1=level, line=dashed, layer="below"
        )
        figure.add_annotation(
            text=plural(number, "model") if number else "before", x=1.01, xref="paper", xanchor="left",
            y=level, yref=axis, showarrow=False, font={"size": 12},
        )  # fmt: skip
    places = range(1, steps.copies + 1)
    figure.add_trace(
        go.Scatter(
            x=[round(time - zero, 3) for time in steps.times],
            y=[round((steps.before + number * steps.size) / 1e6) for number in places],
            yaxis=axis, mode="markers", name="One model more", cliponaxis=False,
            customdata=[f"model {number} is in the memory, and stayed" for number in places],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False, marker={"symbol": "triangle-up", "size": 13, "color": _VIOLET},
        )
    )  # fmt: skip
