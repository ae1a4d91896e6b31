"""The matrix of a sweep as a component: a table whose cells lead to their runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dashboard.components.source import component
from dashboard.components.words import WORDS_JS, texts_of, words

__all__ = ["sweep_matrix"]

_TEXTS: Final = texts_of("sweep_matrix.js")
_mount: Final = component("sweep_matrix", [WORDS_JS, "sweep_matrix.js"], styles=["sweep_matrix.css"])


def _nothing() -> None:
    """A callback must be there for a trigger to exist; the caller reads its value instead."""


def sweep_matrix(view: Mapping[str, Any], *, key: str) -> str | None:
    """Draw the matrix of `dashboard.sweep_table.sweep_view`; return the run whose cell was just pressed."""
    result = _mount(key=key, data={**view, "said": words(_TEXTS)}, on_open_change=_nothing)
    pressed = getattr(result, "open", None)
    return pressed if isinstance(pressed, str) else None
