"""Latencies as figures: variant by variant, as a histogram, and as shares answered by then. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.chart_style import BLUE, GREEN, GREY, RED, VIOLET, lay_out, pattern, say_empty
from dashboard.language import _
from dashboard.latencies import Got, Sample
from dashboard.latency import nearest_rank
from dashboard.record import TrialRecord
from dashboard.spans import SpanKind, VariantRow, variant_rows
from dashboard.variant_panel import PARTS, part_label
from dashboard.wording import seconds

__all__ = ["answered_figure", "histogram_figure", "latency_figure"]

MOST_BARS: Final = 200
GROUPS: Final = 60
_MOST_STEPS: Final = 500
_BINS: Final = 40
_HEIGHT: Final = 300
_FEW: Final = 6
"""Answers on the axis that are counted one by one."""
_LEGEND: Final[dict[str, Any]] = {
    "orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal",
}  # fmt: skip
_LOOKS: Final = ((GREY, "dash"), (BLUE, "solid"))
"""Of the older run and of the newer one."""
_GOT_LOOKS: Final[dict[Got, tuple[str, str, str]]] = {
    "loaded": (BLUE, "solid", ""),
    "waited": (GREY, "dash", "/"),
    "reused": (GREEN, "dot", "."),
    "untold": (VIOLET, "dashdot", "x"),
}


def latency_figure(trial: TrialRecord | None) -> go.Figure:
    """Return each variant's latency, fastest first, stacked by what it was spent on, with the percentiles.

    The percentiles are of the answered variants; the others stand at the right, as long as they took to fail.
    Without a trial there is nothing to draw yet, and the figure says so.
    """
    rows = [row for row in variant_rows(trial) if row.latency_s is not None] if trial is not None else []
    rows.sort(key=lambda row: (row.state == "failed", row.latency_s))
    answered = [row for row in rows if row.state == "answered"]
    groups = _groups(answered) + _groups(rows[len(answered) :])
    names = [_name(group) for group in groups]
    figure = go.Figure()
    for kind, colour, shape in PARTS:
        spent = [_mean(group, kind) if group[0].state == "answered" else 0.0 for group in groups]
        _add_part(figure, part_label(kind), spent, names, colour, shape)
    failing = [_mean(group) if group[0].state == "failed" else 0.0 for group in groups]
    _add_part(figure, _("Failed after"), failing, names, RED, "x")
    _add_percentiles(figure, [row.latency_s or 0.0 for row in answered])
    lay_out(figure, _HEIGHT)
    if not groups:
        say_empty(figure, _("No answer yet"))
    few = len(groups) <= 12
    title = (
        _("variants, fastest first") if len(groups) == len(rows) else _("groups of variants, fastest first")
    )
    figure.update_layout(
        barmode="stack", bargap=0.25 if len(groups) <= 60 else 0.05, showlegend=True,
        legend=_LEGEND, margin={"r": 84, "t": 40},
    )  # fmt: skip
    figure.update_xaxes(
        title_text=title, showgrid=False, zeroline=False, tickmode="array",
        range=[-0.6, max(len(groups), 1) - 0.4],
        tickvals=list(range(len(groups))) if few else [], ticktext=names if few else [],
    )  # fmt: skip
    figure.update_yaxes(title_text=_("seconds"), rangemode="tozero", automargin=True)
    return figure


def answered_figure(samples: Sequence[Sample]) -> go.Figure:
    """Return the share of each sample that was answered within so many seconds, one line over the other."""
    figure = go.Figure()
    for place, sample in enumerate(samples):
        if sample.seconds:
            figure.add_trace(_steps(sample, *_look(sample, place)[:2]))
    _finish(figure, _("No answers"))
    figure.update_yaxes(title_text=_("answered"), tickformat=".0%", range=[0, 1.02], automargin=True)
    last = max((sample.seconds[-1] for sample in samples if sample.seconds), default=0.0)
    if last:  # a little beyond it, or the step to the last answer would lie on the frame
        figure.update_xaxes(range=[0, 1.03 * last])
    return figure


def histogram_figure(samples: Sequence[Sample]) -> go.Figure:
    """Return how many answers took how long.

    Parts of one whole are stacked; samples of different runs lie over each other, as shares of each.
    """
    figure = go.Figure()
    filled = [sample for sample in samples if sample.seconds]
    parts = all(sample.got is not None for sample in filled)
    most = 0
    if filled:
        last = max(sample.seconds[-1] for sample in filled)
        edges = np.linspace(min(sample.seconds[0] for sample in filled), last or 1.0, _BINS + 1)
        if edges[0] >= edges[-1]:  # all took equally long
            edges = np.linspace(edges[0] - 0.01, edges[0] + 0.01, _BINS + 1)
        for place, sample in enumerate(filled):
            counts, _edges = np.histogram(sample.seconds, edges)
            most += int(counts.max())
            _add_counts(figure, sample, place, counts, edges, parts=parts)
    _finish(figure, _("No answers"))
    figure.update_layout(barmode="stack", bargap=0.05)
    figure.update_xaxes(rangemode="normal")  # from zero on, bars of answers that took alike would be threads
    figure.update_yaxes(
        title_text=_("answers") if parts else _("share of the answers"),
        tickformat=",d" if parts else ".0%", rangemode="tozero", automargin=True,
        dtick=1 if parts and most <= _FEW else None,
    )  # fmt: skip
    return figure


def _add_counts(
    figure: go.Figure, sample: Sample, place: int, counts: Any, edges: Any, *, parts: bool
) -> None:
    width = float(edges[1] - edges[0])
    where: dict[str, Any] = {"x0": round(float(edges[0]) + width / 2, 6), "dx": width, "name": sample.label}
    colour, dash, shape = _look(sample, place)
    if parts:
        figure.add_trace(
            go.Bar(
                **where, y=[int(count) for count in counts],
                marker={"color": colour, "pattern": pattern(shape)},
                hovertemplate=f"{sample.label}<br>%{{y:,}}, %{{x:.3f}} s<extra></extra>",
            )
        )  # fmt: skip
        return
    figure.add_trace(
        go.Scatter(
            **where, y=[round(int(count) / len(sample.seconds), 4) for count in counts], mode="lines",
            line={"color": colour, "dash": dash, "shape": "hvh", "width": 2},
            hovertemplate=f"{sample.label}<br>%{{y:.0%}}, %{{x:.3f}} s<extra></extra>",
        )
    )  # fmt: skip


def _look(sample: Sample, place: int) -> tuple[str, str, str]:
    if sample.got is not None:
        return _GOT_LOOKS[sample.got]
    return (*_LOOKS[place], "")


def _finish(figure: go.Figure, empty: str) -> None:
    lay_out(figure, _HEIGHT)
    if not figure.data:
        say_empty(figure, empty)
    figure.update_layout(showlegend=True, margin={"t": 40}, legend=_LEGEND)
    figure.update_xaxes(title_text=_("seconds from sending to the answer"), rangemode="tozero")


def _steps(sample: Sample, colour: str, dash: str) -> go.Scatter:
    """One step for each answer, or for one in so many of them: the eye sees no more."""
    ordered, count = sample.seconds, len(sample.seconds)
    ranks = sorted({round(count * place / _MOST_STEPS) for place in range(1, _MOST_STEPS + 1)} - {0})
    if count <= _MOST_STEPS:
        ranks = list(range(1, count + 1))
    return go.Scatter(
        x=[round(ordered[rank - 1], 4) for rank in ranks],
        y=[round(rank / count, 4) for rank in ranks],
        mode="lines" if count > 1 else "markers",
        name=f"{sample.label}, {count:,}",
        line={"color": colour, "dash": dash, "shape": "hv", "width": 2},
        marker={"color": colour, "size": 9},
        hovertemplate=f"{sample.label}<br>%{{y:.0%}} ≤ %{{x}} s<extra></extra>",
    )


def _mean(group: Sequence[VariantRow], kind: SpanKind | None = None) -> float:
    spent = [(row.latency_s or 0.0) if kind is None else row.total(kind) for row in group]
    return sum(spent) / len(spent)


def _add_part(
    figure: go.Figure, label: str, values: Sequence[float], names: Sequence[str], colour: str, shape: str
) -> None:
    if not any(values):
        return
    figure.add_trace(
        go.Bar(
            x=list(range(len(values))),
            y=[round(value, 4) for value in values],
            name=label,
            marker={"color": colour, "pattern": pattern(shape)},
            customdata=[[name, seconds(value)] for name, value in zip(names, values, strict=True)],
            hovertemplate=f"%{{customdata[0]}}<br>{label}: %{{customdata[1]}}<extra></extra>",
        )
    )


def _groups(rows: Sequence[VariantRow]) -> list[Sequence[VariantRow]]:
    """Return the rows one by one, or in even groups where there are more than bars can show."""
    if len(rows) <= MOST_BARS:  # none, too
        return [[row] for row in rows]
    return [
        rows[len(rows) * number // GROUPS : len(rows) * (number + 1) // GROUPS] for number in range(GROUPS)
    ]


def _name(group: Sequence[VariantRow]) -> str:
    if len(group) == 1:
        return group[0].id.rpartition(".")[2]
    return _("{count} variants", count=f"{len(group):,}")


def _add_percentiles(figure: go.Figure, ordered: Sequence[float]) -> None:
    """Add a line for each percentile, named at the right; names of lines that lie close stand together."""
    if not ordered:
        return
    names: list[tuple[float, list[str]]] = []
    for name, percent, dash in (("p50", 50, "dot"), ("p95", 95, "dash"), ("p99", 99, "solid")):
        value = nearest_rank(ordered, percent)
        figure.add_hline(y=value, line={"color": VIOLET, "width": 1.5, "dash": dash})
        text = f"{name} {seconds(value)}"
        if names and value - names[-1][0] < ordered[-1] * 0.12:
            names[-1] = (value, [text, *names[-1][1]])
        else:
            names.append((value, [text]))
    for value, texts in names:
        figure.add_annotation(
            text="<br>".join(texts), y=value, x=1.01, xref="paper", xanchor="left", align="left",
            showarrow=False, font={"size": 12},
        )  # fmt: skip
