"""What all charts share: colours, patterns that tell without colours, and panels over one axis. Pure.

Colours of marks pass on a light and on a dark ground; text and grid are given their colours by the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly has no types of its own

__all__ = ["BLUE", "GREEN", "GREY", "RED", "VIOLET", "Panel", "lay_out", "pattern", "say_empty", "stack"]

GREY, BLUE, GREEN, RED, VIOLET = "#8290a6", "#3b7cf3", "#1f9f6c", "#e0434f", "#8a63d2"
_TOP: Final = 44
_BOTTOM: Final = 44
_GAP: Final = 34
"""Pixels between two panels, in which the upper one's ticks have room."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of several drawings that share an axis of time: its own axis (`y`, `y2`, …) and its pixels."""

    axis: str
    height: int


def lay_out(figure: go.Figure, height: int) -> None:
    """Give a figure its height, its margins, and a zoom that new data never undoes."""
    figure.update_layout(
        height=height,
        margin={"l": 12, "r": 16, "t": _TOP, "b": _BOTTOM},
        uirevision="kept",
        hovermode="closest",
        dragmode="zoom",
        template="none",
        xaxis_title_font_size=13,
        yaxis_title_font_size=13,
    )


def stack(figure: go.Figure, panels: Sequence[Panel]) -> None:
    """Put the panels one below the other, each as high as it asks to be, over one axis of time."""
    inside = sum(panel.height for panel in panels) + _GAP * (len(panels) - 1)
    lay_out(figure, inside + _TOP + _BOTTOM)
    top = inside
    for panel in panels:
        domain = [round(max(top - panel.height, 0) / inside, 4), round(top / inside, 4)]
        figure.update_layout({f"yaxis{panel.axis[1:]}": {"domain": domain, "anchor": "x"}})
        top -= panel.height + _GAP
    figure.update_xaxes(anchor=panels[-1].axis)


def pattern(shape: str | list[str]) -> dict[str, Any]:
    """Return a pattern that is laid over a colour: the bar keeps its weight, and is told without colours."""
    return {
        "shape": shape, "size": 7, "solidity": 0.3, "fillmode": "overlay",
        "fgcolor": "rgba(255,255,255,0.55)",
    }  # fmt: skip


def say_empty(figure: go.Figure, text: str) -> None:
    """Say in the middle of a figure why there is nothing in it."""
    figure.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
