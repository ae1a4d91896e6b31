"""What each variant did, as a panel of the timeline: a lane for each of a few, or a crowd by state. Pure.

up to 20 variants in the window  -->  variant 3  ▨▨▨▨███▒▒|
more                             -->  how many waited, loaded, were being answered, at each moment
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own
from numpy.typing import NDArray

from dashboard.bins import Window, moments
from dashboard.chart_style import BLUE, GREEN, GREY, RED, VIOLET, pattern
from dashboard.language import _
from dashboard.spans import SpanKind, VariantRow
from dashboard.wording import seconds

__all__ = ["MOST_LANES", "PARTS", "add_variants", "part_label", "rows_in", "short_name"]

MOST_LANES: Final = 20
"""Lanes of variants that can be told apart in one panel."""
_SLOTS: Final = 60
PARTS: Final[tuple[tuple[SpanKind, str, str], ...]] = (
    ("waiting", GREY, "/"),
    ("loading", BLUE, ""),
    ("answering", GREEN, "."),
)
"""The parts of a variant's time with their colours and their patterns."""


def part_label(kind: SpanKind) -> str:
    """Return what a part of a variant's time was spent on."""
    if kind == "waiting":
        return _("Waited for the load")
    return _("Loaded itself") if kind == "loading" else _("Answered")


def short_name(row: VariantRow, *, jobs: bool) -> str:
    """Return a variant's name as short as it still tells it from the others."""
    job, _dot, variant = row.id.rpartition(".")
    return f"{job} · {variant.removeprefix('variant-')}" if jobs else variant


def rows_in(rows: Sequence[VariantRow], window: Window | None) -> list[VariantRow]:
    """Return the variants that began, ended or changed what they did within a window."""
    if window is None:
        return list(rows)

    def touched(row: VariantRow) -> bool:
        return any(
            window.begin <= at <= window.end
            for span in row.spans
            for at in (span.start, span.end)
            if at is not None
        )

    return [row for row in rows if touched(row)]


def add_variants(
    figure: go.Figure, rows: Sequence[VariantRow], view: Window, window: Window | None, now: float, axis: str
) -> list[str]:
    """Add the panel; return the names of its lanes, from above, or none where it shows a crowd.

    Args:
        view: what is drawn. window: what is looked at; None is all of it. Both in seconds since the release.
        now: up to where a span without an end reaches.
    """
    few = rows_in(rows, window) if len(rows) > MOST_LANES else list(rows)
    if len(few) > MOST_LANES or not few:
        _add_crowd(figure, rows, view, now, axis)
        return []
    several_jobs = len({row.job for row in rows}) > 1
    names = {row.id: short_name(row, jobs=several_jobs) for row in few}
    for kind, colour, shape in PARTS:
        spans = [(names[row.id], span) for row in few for span in row.spans if span.kind == kind]
        if not spans:
            continue
        ends = [span.end if span.end is not None else max(now, span.start) for _name, span in spans]
        figure.add_trace(
            go.Bar(
                base=[span.start for _name, span in spans],
                x=[round(end - span.start, 4) for end, (_name, span) in zip(ends, spans, strict=True)],
                y=[name for name, _span in spans],
                yaxis=axis,
                orientation="h",
                name=part_label(kind),
                marker={"color": colour, "pattern": pattern(shape)},
                customdata=[
                    [None, seconds(end - span.start)] for end, (_name, span) in zip(ends, spans, strict=True)
                ],
                hovertemplate=f"%{{y}}<br>{part_label(kind)}: %{{customdata[1]}}<extra></extra>",
            )
        )
    _add_outcomes(figure, few, names, axis)
    return [names[row.id] for row in few]


def _add_outcomes(figure: go.Figure, rows: Sequence[VariantRow], names: dict[str, str], axis: str) -> None:
    """Add a sign where each variant was answered or failed."""
    for state, label, colour, symbol in (
        ("answered", _("Answered"), GREEN, "circle"),
        ("failed", _("Failed"), RED, "x"),
    ):
        ended = [row for row in rows if row.state == state and row.spans and row.spans[-1].end is not None]
        if not ended:
            continue
        figure.add_trace(
            go.Scatter(
                x=[row.spans[-1].end for row in ended],
                y=[names[row.id] for row in ended],
                yaxis=axis,
                mode="markers",
                opacity=1,
                cliponaxis=False,
                showlegend=False,
                name=label,
                marker={"color": colour, "symbol": symbol, "size": 9},
                customdata=[[None, row.words] for row in ended],
                hovertemplate="%{y}<br>%{customdata[1]}<extra></extra>",
            )
        )


def _add_crowd(figure: go.Figure, rows: Sequence[VariantRow], view: Window, now: float, axis: str) -> None:
    """Add how many variants were in each state, at a hundred moments of the view."""
    width = view.width / _SLOTS
    at = moments(view.begin + width * (slot + 0.5) for slot in range(_SLOTS))
    parts = [
        (part_label(kind), _under_way(rows, kind, at, now), colour, shape) for kind, colour, shape in PARTS
    ]
    for state, label, colour, shape in (
        ("answered", _("Answer is there"), VIOLET, "."),
        ("failed", _("Failed"), RED, "x"),
    ):
        over = moments(
            row.spans[-1].end
            for row in rows
            if row.state == state and row.spans and row.spans[-1].end is not None
        )
        parts.append((label, np.searchsorted(np.sort(over), at, "right"), colour, shape))
    for label, counts, colour, shape in parts:
        if not counts.any():
            continue
        figure.add_trace(
            go.Scatter(
                x0=float(at[0]), dx=width, y=[int(count) for count in counts], yaxis=axis, mode="lines",
                stackgroup="variants", name=label,
                line={"color": colour, "width": 0.5, "shape": "hvh"}, fillcolor=colour,
                fillpattern={"shape": shape, "size": 7, "solidity": 0.3, "fillmode": "overlay",
                             "fgcolor": "rgba(255,255,255,0.55)"},
                hovertemplate=f"{label}: %{{y:,}}<extra></extra>",
            )
        )  # fmt: skip


def _under_way(
    rows: Sequence[VariantRow], kind: SpanKind, at: NDArray[np.float64], now: float
) -> NDArray[np.int64]:
    spans = [span for row in rows for span in row.spans if span.kind == kind]
    begun = np.sort(moments(span.start for span in spans))
    ended = np.sort(moments(span.end if span.end is not None else max(now, span.start) for span in spans))
    return np.searchsorted(begun, at, "right") - np.searchsorted(ended, at, "right")
