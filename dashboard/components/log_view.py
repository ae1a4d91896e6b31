"""The live log: a virtual list that follows one source of one run over the console's WebSocket."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

__all__ = ["DEFAULT_HEIGHT", "log_view"]

DEFAULT_HEIGHT: Final = 560
_HERE: Final = Path(__file__).parent
# One module in the browser, several files here: each builds on those before it, the last one exports.
_SCRIPTS: Final = (
    "log_text.js",
    "log_list.js",
    "log_feed.js",
    "log_row.js",
    "log_controls.js",
    "log_view.js",
)

_component = st.components.v2.component(
    "loadonce_log_view",
    html=(_HERE / "log_view.html").read_text("utf-8"),
    css=(_HERE / "log_view.css").read_text("utf-8"),
    js="\n".join((_HERE / name).read_text("utf-8") for name in _SCRIPTS),
    isolate_styles=True,
)


def log_view(
    *,
    run_id: str,
    source: str,
    token: str,
    key: str,
    height: int = DEFAULT_HEIGHT,
    live: bool,
    since_line: int | None = None,
) -> None:
    """Show the log of one source of a run, and follow it while it grows.

    With one `key` the view stays mounted through reruns, and through a change of run or source. When the
    server refuses its token, it asks for a rerun, so the page need only pass `tokens.issue(run_id)`.

    Args:
        run_id, source: whose log.
        token: opens the live route for this run.
        height: of the list, in pixels; less on a small screen.
        live: whether more lines may come; shows Pause.
        since_line: number of a line to show at first, instead of following the newest.
    """
    _component(
        key=key,
        data={
            "run": run_id,
            "source": source,
            "token": token,
            "height": height,
            "live": live,
            "since_line": since_line,
        },
        on_token_change=_rerun,
    )


def _rerun() -> None:
    """Nothing to do: that the page runs again, with a fresh token, is the point."""
