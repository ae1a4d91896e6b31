"""Figures of a trial: its load events on the log's own time axis, and its latencies. Pure; no widgets here.

Colours of marks pass on a light and on a dark ground; text and grid are given their colours by the page.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.evidence import LogEvent
from dashboard.latency import nearest_rank
from dashboard.memory_chart import add_memory
from dashboard.record import TrialRecord
from dashboard.spans import SpanKind, VariantRow, origin, variant_rows
from dashboard.wording import EVENT_WORDS, seconds

__all__ = ["BLUE", "GREY", "latency_figure", "lay_out", "timeline_figure"]

GREY, BLUE, GREEN, RED, VIOLET = "#8290a6", "#3b7cf3", "#1f9f6c", "#e0434f", "#8a63d2"
MOST_POINTS: Final = 1000
MOST_LOADS: Final = 24
MOST_BARS: Final = 200
GROUPS: Final = 60

_LANES: Final[Mapping[str, tuple[str, str, str]]] = {
    "requested": ("Asked", GREY, "circle"),
    "waiting": ("Waits", GREY, "diamond-open"),
    "failed": ("Failed", RED, "x"),
    "meta_tensor_error": ("Meta tensor error", RED, "x"),
    "released": ("Given up", VIOLET, "triangle-down"),
}
_PARTS: Final[tuple[tuple[SpanKind, str, str, str], ...]] = (
    ("waiting", "Waited for the load", GREY, "/"),
    ("loading", "Loaded itself", BLUE, ""),
    ("answering", "Answered", GREEN, ""),
)


@dataclass(frozen=True, slots=True)
class _Mark:
    at: float
    words: str


def timeline_figure(trial: TrialRecord) -> go.Figure:
    """Return the load events of a trial, in seconds since the release: a lane per kind, a bar per load.

    Below them, on the same axis, what the worker's process held meanwhile, where that was measured.
    """
    zero = origin(trial) or trial.started_at
    figure = go.Figure()
    kinds: dict[str, list[LogEvent]] = defaultdict(list)
    for event in trial.events:
        kinds[event.kind].append(event)
    lanes = _add_loads(figure, trial.events, zero)
    for kind in ("waiting", "requested"):
        lanes = _add_marks(figure, kind, kinds[kind], zero) + lanes
    for kind in ("failed", "meta_tensor_error", "released"):
        lanes = lanes + _add_marks(figure, kind, kinds[kind], zero)
    answers = [
        _Mark(variant.answered - zero, f"{variant.variant_id} answered in {seconds(variant.latency_s)}")
        for variant in trial.variants
        if variant.answered is not None and variant.state == "answered"
    ]
    if answers:
        figure.add_trace(_scatter("Answers", answers, GREEN, "circle"))
        lanes = [*lanes, "Answers"]
    order = [lane for lane in lanes if lane in ("Asked", "Waits")]
    order += [lane for lane in lanes if lane not in order]
    lay_out(figure, max(220, 70 + 34 * len(order)))
    figure.update_layout(showlegend=False, barmode="overlay", bargap=0.35)
    figure.update_xaxes(title_text="seconds since the release", rangemode="tozero")
    figure.update_yaxes(
        categoryorder="array", categoryarray=order[::-1], automargin=True, ticks="", ticklabelstandoff=10
    )
    add_memory(figure, trial, zero)
    return figure


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
    for kind, label, colour, pattern in _PARTS:
        spent = [_mean(group, kind) if group[0].state == "answered" else 0.0 for group in groups]
        _add_part(figure, label, spent, names, colour, pattern)
    failing = [_mean(group) if group[0].state == "failed" else 0.0 for group in groups]
    _add_part(figure, "Failed after", failing, names, RED, "x")
    _add_percentiles(figure, [row.latency_s or 0.0 for row in answered])
    lay_out(figure, 300)
    if not groups:
        figure.add_annotation(text="No answer yet", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    few = len(groups) <= 12
    each = "variants" if len(groups) == len(rows) else "groups of variants"
    figure.update_layout(
        barmode="stack", bargap=0.25 if len(groups) <= 60 else 0.05, showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        margin={"r": 84, "t": 40},
    )  # fmt: skip
    figure.update_xaxes(
        title_text=f"{each}, fastest first", showgrid=False, zeroline=False, tickmode="array",
        range=[-0.6, max(len(groups), 1) - 0.4],
        tickvals=list(range(len(groups))) if few else [], ticktext=names if few else [],
    )  # fmt: skip
    figure.update_yaxes(title_text="seconds", rangemode="tozero", automargin=True)
    return figure


def _mean(group: Sequence[VariantRow], kind: SpanKind | None = None) -> float:
    spent = [(row.latency_s or 0.0) if kind is None else row.total(kind) for row in group]
    return sum(spent) / len(spent)


def _pattern(shape: str | list[str]) -> dict[str, Any]:
    # Over the colour, not in its place: the bar keeps its weight, and the pattern tells it without colours.
    return {
        "shape": shape,
        "size": 7,
        "solidity": 0.3,
        "fillmode": "overlay",
        "fgcolor": "rgba(255,255,255,0.55)",
    }


def _add_part(
    figure: go.Figure, label: str, values: Sequence[float], names: Sequence[str], colour: str, pattern: str
) -> None:
    if not any(values):
        return
    figure.add_trace(
        go.Bar(
            x=list(range(len(values))),
            y=[round(value, 4) for value in values],
            name=label,
            marker={"color": colour, "pattern": _pattern(pattern)},
            customdata=[[name, seconds(value)] for name, value in zip(names, values, strict=True)],
            hovertemplate=f"%{{customdata[0]}}<br>{label}: %{{customdata[1]}}<extra></extra>",
        )
    )


def _add_loads(figure: go.Figure, events: Iterable[LogEvent], zero: float) -> list[str]:
    """Add a bar from the start of each load to its end, and return the lanes, from above."""
    events = list(events)
    ends: dict[tuple[str | None, int | None], LogEvent] = {}
    for event in events:
        if event.kind in ("completed", "failed", "meta_tensor_error"):
            ends.setdefault((event.boot, event.load), event)
    starts = [event for event in events if event.kind == "started"]
    latest = max((event.time for event in events), default=zero)
    bases, widths, lanes, colours, words = [], [], [], [], []
    for number, start in enumerate(starts, start=1):
        end = ends.get((start.boot, start.load))
        lane = f"Load {number}" if number <= MOST_LOADS else f"{len(starts) - MOST_LOADS:,} more loads"
        lanes.append(lane)
        bases.append(round(start.time - zero, 4))
        widths.append(round(max((end.time if end else latest) - start.time, 0.0), 4))
        colours.append(GREY if end is None else BLUE if end.kind == "completed" else RED)
        became = "no end seen" if end is None else EVENT_WORDS[end.kind]
        words.append(
            f"{lane}, by {start.thread or 'an unnamed thread'}: {became} after {seconds(widths[-1])}"
        )
    if starts:
        pattern = _pattern(["" if colour == BLUE else "x" for colour in colours])
        figure.add_trace(
            go.Bar(
                base=bases, x=widths, y=lanes, orientation="h", marker={"color": colours, "pattern": pattern},
                customdata=words, hovertemplate="%{customdata}<extra></extra>", name="loads",
            )
        )  # fmt: skip
    return list(dict.fromkeys(lanes))


def _add_marks(figure: go.Figure, kind: str, events: Sequence[LogEvent], zero: float) -> list[str]:
    if not events:
        return []
    lane, colour, symbol = _LANES[kind]
    marks = [_Mark(event.time - zero, _event_words(event)) for event in events]
    figure.add_trace(_scatter(lane, marks, colour, symbol))
    return [lane]


def _event_words(event: LogEvent) -> str:
    clock = datetime.fromtimestamp(event.time).astimezone().strftime("%H:%M:%S.%f")[:-3]
    place = f"log line {event.line + 1:,}" if event.line >= 0 else "told by the worker itself"
    return f"{event.thread or 'an unnamed thread'} {EVENT_WORDS[event.kind]}<br>{clock}, {place}"


def _scatter(lane: str, marks: Sequence[_Mark], colour: str, symbol: str) -> go.Scatter:
    binned = _bins(marks)
    return go.Scatter(
        x=[round(mark.at, 4) for mark, _ in binned],
        y=[lane] * len(binned),
        mode="markers",
        opacity=1,
        cliponaxis=False,
        name=lane,
        marker={
            "color": colour, "symbol": symbol, "line": {"width": 1.5, "color": colour},
            "size": [9 if count == 1 else min(9 + math.log2(count), 18) for _, count in binned],
        },
        customdata=[mark.words if count == 1 else f"{count:,} at this moment" for mark, count in binned],
        hovertemplate="%{customdata}<br>%{x} s<extra></extra>",
    )  # fmt: skip


def _bins(marks: Sequence[_Mark]) -> list[tuple[_Mark, int]]:
    """Return each mark, or, where there are more than a screen can show, one for each sliver of time."""
    if len(marks) <= MOST_POINTS // 4:
        return [(mark, 1) for mark in marks]
    first, last = min(mark.at for mark in marks), max(mark.at for mark in marks)
    width = (last - first) / (MOST_POINTS // 4) or 1.0
    bins: dict[int, list[_Mark]] = defaultdict(list)
    for mark in marks:
        bins[int((mark.at - first) / width)].append(mark)
    return [(held[0], len(held)) for _, held in sorted(bins.items())]


def _groups(rows: Sequence[VariantRow]) -> list[Sequence[VariantRow]]:
    """Return the rows one by one, or in even groups where there are more than bars can show."""
    if len(rows) <= MOST_BARS:  # none, too
        return [[row] for row in rows]
    return [
        rows[len(rows) * number // GROUPS : len(rows) * (number + 1) // GROUPS] for number in range(GROUPS)
    ]


def _name(group: Sequence[VariantRow]) -> str:
    return group[0].id.rpartition(".")[2] if len(group) == 1 else f"{len(group):,} variants"


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


def lay_out(figure: go.Figure, height: int) -> None:
    """Give a figure its height, its margins, and a zoom that new data never undoes."""
    figure.update_layout(
        height=height,
        margin={"l": 12, "r": 16, "t": 26, "b": 44},
        uirevision="kept",
        hovermode="closest",
        dragmode="zoom",
        template="none",
        xaxis_title_font_size=13,
        yaxis_title_font_size=13,
    )
