"""The board of a run as a component: drawn at once from its view, then live over `/live/run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from dashboard.components.source import component
from dashboard.components.words import WORDS_JS, keyed, texts_of, words
from dashboard.language import tag

__all__ = ["BoardEvents", "run_board"]

# One module for the browser, some files for people: only the last one knows the board.
_FILES: Final = ("clipboard.js", "code_lines.js", "run_link.js", "run_rows.js", "run_board.js")
_TEXTS: Final = texts_of(*_FILES)
_mount: Final = component("run_board", [WORDS_JS, *_FILES], styles=["run_board.css"])


@dataclass(frozen=True, slots=True)
class BoardEvents:
    """What the operator asked for on the board in this script run.

    `trial` is the place of the trial to show, from 1; None means that none was chosen.
    """

    abort: bool
    again: bool
    trial: int | None


def _nothing() -> None:
    """A callback must be there for a trigger to exist; the page reads its value instead."""


def run_board(
    view: Mapping[str, Any],
    *,
    token: str,
    trial: int | None,
    key: str,
    on_token: Callable[[], None] = _nothing,
) -> BoardEvents:
    """Mount the board.

    Args:
        view: from `dashboard.phases.board_view`.
        token: opens `/live/run` for this run; a rerun renews it, which is what `on_token` is for.
        trial: the place of the trial that the operator chose, from 1.
        key: stays the same for as long as the board is to stay mounted.
    """
    # Room for it from the first moment on: what stands below would jump when it comes in.
    with st.container(key=f"{key}-room"):
        result = _mount(
            key=keyed(key),
            data={
                "view": dict(view),
                "token": token,
                "trial": trial,
                "language": tag(),
                "words": words(_TEXTS),
            },
            on_abort_change=_nothing,
            on_again_change=_nothing,
            on_trial_change=_nothing,
            on_token_change=on_token,
        )
    chosen = getattr(result, "trial", None)
    return BoardEvents(
        abort=getattr(result, "abort", None) is not None,
        again=getattr(result, "again", None) is not None,
        trial=int(chosen) if isinstance(chosen, int | float) else None,
    )
