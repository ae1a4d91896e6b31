"""The latencies on the run page: which view of them, and over which other run, by the address.

?latency=histogram&over=RUN_ID
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from dashboard import session
from dashboard.language import _
from dashboard.latencies import Sample, latency_rows, latency_words, sample_of_run, samples_of_trial
from dashboard.latency_charts import answered_figure, histogram_figure, latency_figure
from dashboard.listing import run_label
from dashboard.record import RunRecord, TrialRecord
from dashboard.remembered import Remembered
from dashboard.store import RunSummary, StoreError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]  # plotly has no types of its own

__all__ = ["OVER", "VIEW", "Latencies", "latencies", "other_runs", "pick", "seed", "view_label"]

VARIANTS, HISTOGRAM, SHARES = "variants", "histogram", "answered"
VIEWS: Final = (VARIANTS, HISTOGRAM, SHARES)
VIEW: Final = "latency_view"
OVER: Final = "latency_over"
"""Keys of the two widgets."""
_NOBODY: Final = ""
_drawn: Final = Remembered(latency_figure)  # every tab asks for it once a second


@dataclass(frozen=True, slots=True)
class Latencies:
    """What is drawn: the figure, what it shows in words, and a row of percentiles for each of its parts.

    `problem` says why the other run is missing, and is empty when it is there or none was asked for. `key` is
    of the chart: another view has another zoom.
    """

    key: str
    figure: Figure
    words: str
    rows: list[dict[str, Any]]
    problem: str = ""


def view_label(view: str) -> str:
    """Return the name of a view."""
    return {
        VARIANTS: _("Each variant"),
        HISTOGRAM: _("Histogram"),
        SHARES: _("Share answered"),
    }[view]


def other_runs(record: RunRecord, runs: Sequence[RunSummary]) -> dict[str, str]:
    """Return the runs that may lie below this one with their labels; the first is none."""
    others = {run.run_id: run_label(run) for run in runs if run.run_id != record.run_id}
    named = st.query_params.get("over", _NOBODY)
    return {_NOBODY: _("No other run")} | ({named: named} if named else {}) | others


def seed() -> None:
    """Give the widgets what the address says, before they are drawn."""
    view = st.query_params.get("latency", VARIANTS)
    st.session_state[VIEW] = view if view in VIEWS else VARIANTS
    st.session_state[OVER] = st.query_params.get("over", _NOBODY)


def pick() -> None:
    """Put what the widgets say into the address; for their `on_change`."""
    for name, key, usual in (("latency", VIEW, VARIANTS), ("over", OVER, _NOBODY)):
        if st.session_state[key] in (usual, None):
            st.query_params.pop(name, None)
        else:
            session.address(**{name: st.session_state[key]})


def latencies(record: RunRecord, trial: TrialRecord | None) -> Latencies:
    """Return what is to be drawn of a trial, or of its run and the one that was chosen."""
    view, over = st.session_state[VIEW], st.session_state[OVER]
    key = f"latency-{record.run_id}-{view}-{over}"
    other, problem = _other(over) if over else (None, "")
    if other is not None:
        samples = (
            sample_of_run(other, _("Other run")),
            sample_of_run(record, _("This run")),
        )
        figure = histogram_figure(samples) if view == HISTOGRAM else answered_figure(samples)
        return Latencies(key, figure, latency_words(samples), latency_rows(samples))
    parts: tuple[Sample, ...] = () if trial is None else samples_of_trial(trial)
    if view == VARIANTS:
        figure = _drawn(trial)
    else:
        figure = histogram_figure(parts) if view == HISTOGRAM else answered_figure(parts)
    return Latencies(key, figure, latency_words(parts), latency_rows(parts), problem)


def _other(run_id: str) -> tuple[RunRecord | None, str]:
    try:
        found = session.console().record(run_id)
    except StoreError as error:
        return None, str(error)
    if found is None:
        return None, _("Run {run} is not in this console’s history. Choose another one.", run=run_id)
    return found, ""
