"""A Plotly figure that may change while it is looked at, and keeps its zoom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    # Late: the first page needs no chart. plotly has no types of its own.
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]

__all__ = ["live_chart"]

_HERE: Final = Path(__file__).parent
_mount: Final = st.components.v2.component(
    "loadonce.live_chart",
    js=(_HERE / "live_chart.js").read_text("utf-8"),
    css=(_HERE / "live_chart.css").read_text("utf-8"),
)


def live_chart(figure: Figure, *, label: str, library: str, key: str) -> None:
    """Draw `figure`, or change what is drawn under the same `key`.

    Args:
        label: what the chart shows, for people who cannot see it.
        library: path of plotly.min.js on this very server.
    """
    # to_json, not to_dict: numbers come as plain lists, and an unknown is null.
    document = json.loads(figure.to_json(engine="json"))
    document.get("layout", {}).pop("template", None)
    _mount(key=key, data={"figure": document, "label": label, "library": library})
