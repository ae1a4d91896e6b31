"""Figures of two runs over each other. Pure; no widgets here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.charts import BLUE, GREY, lay_out
from dashboard.record import RunRecord

__all__ = ["latencies_figure"]

_MOST_POINTS: Final = 500


def latencies_figure(before: RunRecord, after: RunRecord) -> go.Figure:
    """Return the share of variants that were answered within so many seconds, of all trials of each run."""
    figure = go.Figure()
    for label, record, colour, dash in (("Before", before, GREY, "dash"), ("After", after, BLUE, "solid")):
        ordered = _latencies(record)
        if ordered:
            figure.add_trace(_steps(f"{label}, {len(ordered):,} answers", ordered, colour, dash))
    lay_out(figure, 300)
    if not figure.data:
        figure.add_annotation(text="No answers", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    figure.update_layout(
        showlegend=True, margin={"t": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    figure.update_xaxes(title_text="seconds from sending to the answer", rangemode="tozero")
    figure.update_yaxes(title_text="answered", tickformat=".0%", range=[0, 1.02], automargin=True)
    return figure


def _latencies(record: RunRecord) -> list[float]:
    return sorted(
        variant.latency_s
        for trial in record.trials
        if trial.role == "trial"
        for variant in trial.variants
        if variant.state == "answered" and variant.latency_s is not None
    )


def _steps(label: str, ordered: Sequence[float], colour: str, dash: str) -> go.Scatter:
    """One step for each answer, or for each five hundredth of them: the eye sees no more."""
    count = len(ordered)
    ranks = sorted({round(count * place / _MOST_POINTS) for place in range(1, _MOST_POINTS + 1)} - {0})
    if count <= _MOST_POINTS:
        ranks = list(range(1, count + 1))
    return go.Scatter(
        x=[round(ordered[rank - 1], 4) for rank in ranks],
        y=[round(rank / count, 4) for rank in ranks],
        mode="lines" if count > 1 else "markers",
        name=label,
        line={"color": colour, "dash": dash, "shape": "hv", "width": 2},
        hovertemplate=f"{label}<br>%{{y:.0%}} within %{{x}} s<extra></extra>",
    )
