"""The matrix of a sweep as a component: a table whose cells lead to their runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from dashboard.components.words import WORDS_JS, texts_of, words

__all__ = ["sweep_matrix"]

_HERE: Final = Path(__file__).parent
_TEXTS: Final = texts_of("sweep_matrix.js")
_mount: Final = st.components.v2.component(
    "loadonce.sweep_matrix",
    js=WORDS_JS + (_HERE / "sweep_matrix.js").read_text("utf-8"),
    css=(_HERE / "sweep_matrix.css").read_text("utf-8"),
)


def _nothing() -> None:
    """A callback must be there for a trigger to exist; the caller reads its value instead."""


def sweep_matrix(view: Mapping[str, Any], *, key: str) -> str | None:
    """Draw the matrix of `dashboard.sweep_table.sweep_view`; return the run whose cell was just pressed."""
    result = _mount(key=key, data={**view, "said": words(_TEXTS)}, on_open_change=_nothing)
    pressed = getattr(result, "open", None)
    return pressed if isinstance(pressed, str) else None
