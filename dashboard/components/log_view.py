"""The live log: a virtual list that follows one source or several, merged by time, over WebSockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.components.source import component
from dashboard.components.words import WORDS_JS, keyed, texts_of, words

__all__ = ["DEFAULT_HEIGHT", "LogSource", "log_view"]

DEFAULT_HEIGHT: Final = 560
# One module in the browser, several files here: the last one ties the others together and exports.
_SCRIPTS: Final = (
    "log_ansi.js",
    "log_text.js",
    "log_trace.js",
    "log_store.js",
    "log_feed.js",
    "log_sources.js",
    "log_find.js",
    "log_shown.js",
    "log_list.js",
    "log_details.js",
    "log_row.js",
    "log_row_actions.js",
    "log_link.js",
    "clipboard.js",
    "log_export.js",
    "log_find_bar.js",
    "log_controls.js",
    "log_view.js",
)
_TEXTS: Final = texts_of("log_view.html", *_SCRIPTS)
_mount: Final = component(
    "log_view", [WORDS_JS, *_SCRIPTS], styles=["log_view.css", "log_rows.css"], markup="log_view.html"
)


@dataclass(frozen=True, slots=True)
class LogSource:
    """One log that the view follows.

    Attributes:
        run_id: the run that it belongs to, or `container:NAME`.
        source: its name, which stands beside its lines where there are several.
        token: opens the live route for `run_id`.
        range: which part of it: pairs that are put into the query of its WebSocket. Another range is
            another log: it is read from nothing.
        address: pairs that the page's address must have to show this source; a link to a line sets them.
        download: where all of it can be had, the part that the browser does not hold included.
    """

    run_id: str
    source: str
    token: str
    range: Mapping[str, str] = field(default_factory=dict)
    address: Mapping[str, str] = field(default_factory=dict)
    download: str | None = None

    def wire(self) -> dict[str, Any]:
        """Return it as the browser gets it."""
        return {
            "run": self.run_id,
            "source": self.source,
            "token": self.token,
            "range": dict(self.range),
            "address": dict(self.address),
            "download": self.download,
        }


def log_view(
    *,
    sources: Sequence[LogSource],
    key: str,
    height: int = DEFAULT_HEIGHT,
    live: bool,
    since_line: int | None = None,
    at: tuple[str, float] | None = None,
) -> None:
    """Show logs, merged by time, and follow them while they grow.

    With one `key` the view stays mounted through reruns, and through a change of sources. When the server
    refuses a token, it asks for a rerun, so the page need only pass `tokens.issue(run_id)`.

    Args:
        sources: whose logs; one at least.
        height: of the list, in pixels; less on a small screen.
        live: whether more lines may come; shows Pause.
        since_line: number of a line of the first source to show at first, instead of following the newest.
        at: the name of a source and the time of one of its lines, to show at first.
    """
    _mount(
        key=keyed(key),
        data={
            "words": words(_TEXTS),
            "sources": [each.wire() for each in sources],
            "height": height,
            "live": live,
            "since_line": since_line,
            "at": None if at is None else {"source": at[0], "time": at[1]},
        },
        on_token_change=_rerun,
    )


def _rerun() -> None:
    """Nothing to do: that the page runs again, with a fresh token, is the point."""
