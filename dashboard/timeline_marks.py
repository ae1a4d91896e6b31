"""What charts over time are put together from: bars of loads, marks in lanes, lines of a log. Pure.

Each point carries the number of its log line (`customdata[0]`), so that a click on it can show that line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.bins import Moments, Window, binned, counts_over
from dashboard.chart_style import BLUE, GREY, RED, VIOLET, pattern
from dashboard.language import _, n_, number
from dashboard.load_spans import LoadSpan, Outcome, span_words
from dashboard.wording import seconds

__all__ = [
    "MOST_BINS",
    "Axis",
    "Lane",
    "add_counts",
    "add_ends",
    "add_load_bars",
    "add_marks",
    "add_volume",
]

MOST_BINS: Final = 60
MOST_BARS: Final = 60
_THINNEST: Final = 0.001
"""The least part of the view that a bar takes."""
_SHAPES: Final[Mapping[Outcome, str]] = {
    "completed": "", "failed": "x", "meta": "x", "open": "/", "cut": "\\", "untold": ".",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axis:
    """How a moment (Unix seconds) is drawn: counted from `zero`, in units of 1/`scale` seconds."""

    zero: float
    scale: float = 1.0

    def of(self, time: float) -> float:
        """Return the place of a moment."""
        return self.length(time - self.zero)

    def length(self, seconds_long: float) -> float:
        """Return how long a time is on the axis."""
        return round(seconds_long * self.scale, 4 if self.scale == 1.0 else 3)

    def time(self, place: float) -> float:
        """Return the moment at a place."""
        return place / self.scale + self.zero


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of marks: its name, and how they look."""

    name: str
    colour: str
    symbol: str


def add_marks(
    figure: go.Figure,
    lane: Lane,
    series: Moments,
    window: Window,
    tell: Callable[[int], tuple[int | None, str]],
    *,
    axis: Axis,
    y_axis: str = "y",
    most: int = MOST_BINS,
) -> bool:
    """Add the moments of one lane that lie in a window; return whether there were any.

    Args:
        series: Unix seconds.
        tell: returns the log line and the words of a moment by its place in `series`.
    """
    bins = binned(series, window, most)
    if not bins:
        return False
    told = [tell(each.first) for each in bins]
    figure.add_trace(
        go.Scatter(
            x=[axis.of(each.at) for each in bins],
            y=[lane.name] * len(bins),
            yaxis=y_axis,
            mode="markers",
            opacity=1,
            cliponaxis=False,
            showlegend=False,
            name=lane.name,
            marker={
                "color": lane.colour, "symbol": lane.symbol, "line": {"width": 1.5, "color": lane.colour},
                "size": [round(min(9 + math.log2(each.count), 18), 1) for each in bins],
            },
            customdata=[
                [line, words if each.count == 1 else f"{number(each.count)} ×"]
                for each, (line, words) in zip(bins, told, strict=True)
            ],
            hovertemplate=f"{lane.name}<br>%{{customdata[1]}}<extra></extra>",
        )
    )  # fmt: skip
    return True


def add_load_bars(
    figure: go.Figure,
    spans: Sequence[LoadSpan],
    lanes: Sequence[str],
    until: Sequence[float],
    *,
    axis: Axis,
    view: Window,
) -> None:
    """Add a bar for each load, in the lane of the same place; a load without an end reaches to its `until`.

    What is wrong is red and has a pattern; loads beyond what a screen can show stand together.
    """
    drawn = [_Bar.of(*each) for each in zip(spans, lanes, until, strict=True)]
    drawn = _joined(drawn)
    if not drawn:
        return
    figure.add_trace(
        go.Bar(
            base=[axis.of(bar.begin) for bar in drawn],
            # A load of milliseconds must be seen on an axis of a day
            x=[axis.length(max(bar.end - bar.begin, view.width * _THINNEST)) for bar in drawn],
            y=[bar.lane for bar in drawn],
            orientation="h",
            marker={
                "color": [bar.colour for bar in drawn],
                "pattern": pattern([bar.shape for bar in drawn]),
            },
            customdata=[[bar.line, bar.words] for bar in drawn],
            hovertemplate="%{y}<br>%{customdata[1]}<extra></extra>",
            name="loads",
            showlegend=False,
        )
    )


@dataclass(frozen=True, slots=True)
class _Bar:
    lane: str
    begin: float
    end: float
    colour: str
    shape: str
    line: int | None
    words: str

    @classmethod
    def of(cls, span: LoadSpan, lane: str, until: float) -> _Bar:
        end = span.end if span.end is not None else max(until, span.begin)
        bad = span.bad or span.outcome == "failed"
        colour = RED if bad else BLUE if span.outcome == "completed" else GREY
        shape = _SHAPES[span.outcome] or ("x" if span.bad else "")
        took = seconds(end - span.begin) if span.start is not None and span.end is not None else ""
        words = ": ".join(filter(None, (span.thread, took, span_words(span))))
        line = span.line if span.line is not None else span.end_line
        return cls(lane, span.begin, end, colour, shape, line if line is None or line >= 0 else None, words)


def _joined(bars: list[_Bar]) -> list[_Bar]:
    """Put neighbours together where there are more bars than a screen can show; red stays red."""
    if len(bars) <= MOST_BARS:
        return bars
    size = math.ceil(len(bars) / MOST_BARS)
    groups = [bars[at : at + size] for at in range(0, len(bars), size)]
    return [
        _Bar(
            group[-1].lane,
            min(bar.begin for bar in group),
            max(bar.end for bar in group),
            RED if any(bar.colour == RED for bar in group) else group[0].colour,
            next((bar.shape for bar in group if bar.colour == RED), group[0].shape),
            group[0].line,
            n_("{count} load", "{count} loads", len(group)),
        )
        for group in groups
    ]


def add_volume(figure: go.Figure, times: Moments, window: Window, *, axis: Axis, y_axis: str) -> None:
    """Add how many lines the log grew by, over a window."""
    counts = counts_over(times, window, MOST_BINS)
    add_counts(figure, counts, window, axis=axis, y_axis=y_axis)


def add_counts(figure: go.Figure, counts: Sequence[int], window: Window, *, axis: Axis, y_axis: str) -> None:
    """Add the lines of equal parts of a window, as bars side by side."""
    width = window.width / max(len(counts), 1)
    figure.add_trace(
        go.Bar(
            x0=axis.of(window.begin + width / 2),
            dx=axis.length(width) if axis.scale > 1 else width,
            y=list(counts),
            yaxis=y_axis,
            name=_("Log lines"),
            marker={"color": GREY},
            showlegend=False,
            hovertemplate=_("{count} log lines", count="%{y:,}") + "<extra></extra>",
        )
    )


def add_ends(figure: go.Figure, ends: Sequence[tuple[float, str]], *, axis: Axis) -> None:
    """Add a line from top to bottom where a process ended or was started again, with its words above."""
    for time, words in ends:
        place = axis.of(time)
        figure.add_shape(
            type="line", x0=place, x1=place, y0=0, y1=1, yref="paper",
            line={"color": VIOLET, "width": 1.5, "dash": "dash"},
        )  # fmt: skip
        figure.add_annotation(
            x=place, y=1, yref="paper", yanchor="bottom", text=words, showarrow=False, font={"size": 12}
        )
