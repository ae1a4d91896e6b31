"""Figures of two runs over each other. Pure; no widgets here."""

from __future__ import annotations

import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

from dashboard.language import _
from dashboard.latencies import sample_of_run
from dashboard.latency_charts import answered_figure
from dashboard.record import RunRecord

__all__ = ["latencies_figure"]


def latencies_figure(before: RunRecord, after: RunRecord) -> go.Figure:
    """Return the share of variants that were answered within so many seconds, of all trials of each run."""
    return answered_figure([sample_of_run(before, _("Before")), sample_of_run(after, _("After"))])
