"""The charts of a report: figures of the trial that decided, and the library that draws them, in the page.

    figures --JSON--> <script type="application/json">  --report_page.js--> drawn, zoomed, read by the pointer
    dashboard/static/plotly-basic.min.js --gzip, base64--> <script type="text/plain"> --unpacked by it--> run

Nothing is fetched. The page's policy names the two scripts by their hashes, so that no other one could run,
wherever it came from.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dashboard.chart_library import library
from dashboard.charts import timeline_figure
from dashboard.latencies import samples_of_trial
from dashboard.latency_charts import answered_figure, latency_figure
from dashboard.record import TrialRecord

if TYPE_CHECKING:
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]  # plotly has no types of its own

__all__ = ["Chart", "charts_of", "drawing", "figures_html", "script_policy"]

_SCRIPT: Final = Path(__file__).with_name("report_page.js")
_FOREIGN_TAG: Final = re.compile(r"<(?!br>|/?b>|/?i>|/?extra>)", re.IGNORECASE)
"""Plotly reads some markup in its texts, links among it: of that, what our figures use may stay."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, with what it shows in words for who cannot see it."""

    title: str
    label: str
    figure: Figure


def charts_of(trial: TrialRecord) -> tuple[Chart, ...]:
    """Return the charts of a trial, as far as there is anything to draw."""
    charts = []
    if any(variant.latency_s is not None for variant in trial.variants):
        label = "The latency of each variant, stacked by what it was spent on, with p50, p95 and p99."
        charts.append(Chart("Latency of each variant", label, latency_figure(trial)))
    samples = samples_of_trial(trial)
    if samples:
        label = "The share of variants that was answered within so many seconds, by how they got the model."
        charts.append(Chart("Answered within", label, answered_figure(samples)))
    if trial.events or trial.memory is not None:
        label = (
            f"{len(trial.events):,} load events in seconds since the release, with the memory if measured."
        )
        charts.append(Chart("Timeline", label, timeline_figure(trial)))
    return tuple(charts)


def figures_html(charts: tuple[Chart, ...]) -> str:
    """Return the places of the charts; hidden until they are drawn: without scripts they stay empty."""
    if not charts:
        return ""
    places = "".join(
        f'<section class="chart" hidden>\n<h3>{escape(chart.title)}</h3>\n'
        f'<figure><div role="img" aria-label="{escape(chart.label)}" '
        f'style="height:{int(chart.figure.layout.height)}px"></div></figure>\n</section>\n'
        for chart in charts
    )
    return (
        '<h2>Charts</h2>\n<p class="soft" id="charts-said">The charts are drawn where scripts may run. '
        f"What they show stands in the tables below.</p>\n{places}"
    )


def drawing(charts: tuple[Chart, ...]) -> str:
    """Return the scripts that draw the charts, for the end of the page."""
    if not charts:
        return ""
    figures = json.dumps([_plain(chart.figure) for chart in charts], separators=(",", ":"))
    figures = figures.replace("<", "\\u003c")  # nothing in it can end the element
    return (
        f'<script type="application/json" id="figures">{figures}</script>\n'
        f'<script type="text/plain" id="library">{_packed_library()}</script>\n'
        f"<script>{_script()}</script>\n"
    )


def script_policy(charts: tuple[Chart, ...]) -> str:
    """Return which scripts may run in the page: ours, by their very bytes, and no other."""
    if not charts:
        return "'none'"
    return f"'{_hash(_script().encode())}' '{_hash(library())}'"


def _plain(figure: Figure) -> Any:
    # to_json, not to_dict: numbers come as plain lists, and an unknown is null.
    document = json.loads(figure.to_json(engine="json"))
    document.get("layout", {}).pop("template", None)
    return _without_foreign_tags(document)


def _without_foreign_tags(value: Any) -> Any:
    if isinstance(value, str):
        return _FOREIGN_TAG.sub("&lt;", value)
    if isinstance(value, list):
        return [_without_foreign_tags(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_foreign_tags(each) for key, each in value.items()}
    return value


def _hash(script: bytes) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}"


@cache
def _script() -> str:
    return _SCRIPT.read_text("utf-8")


@cache
def _packed_library() -> str:
    # A third of its size, and the same bytes each time: a report of the same run is the same file
    return base64.b64encode(gzip.compress(library(), compresslevel=9, mtime=0)).decode()
