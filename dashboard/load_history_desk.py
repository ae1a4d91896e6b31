"""What the Timeline page shows of a container: which one and how far back; the address is the truth.

?container=NAME&last=24h&begin=…&end=…&at=…      moments as Unix seconds, by this machine's clock
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from dashboard import session
from dashboard.bins import Window
from dashboard.components.live_chart import clicked, looked_at
from dashboard.history_chart import axis_of
from dashboard.history_reader import LinesNear, Picture
from dashboard.language import _, zone
from dashboard.load_history import SPANS, LoadHistory
from dashboard.log_moments import MomentLines
from dashboard.shown import Shown
from dashboard.timeline_desk import keep_window, number_in_address
from dashboard.timeline_marks import Axis

__all__ = [
    "CONTAINER",
    "HISTORY",
    "KIND",
    "KINDS",
    "RANGE",
    "Look",
    "kind_label",
    "lines_link",
    "lines_of",
    "look_of",
    "named_container",
    "note_click_on",
    "picked",
    "picture_of",
    "range_label",
    "read_again",
    "seed",
    "turn_to",
]

CONTAINER: Final = "history_container"
RANGE: Final = "history_range"
KIND: Final = "timeline_of"
"""Keys of the widgets."""
RUN, HISTORY = "run", "container"
KINDS: Final = (RUN, HISTORY)
"""What a timeline may be of."""
_USUAL: Final = "24h"
_AGAIN: Final = "history_again"
_OWN: Final = ("container", "last")
_PLACES: Final = ("begin", "end", "at", "line")


@dataclass(frozen=True, slots=True)
class Look:
    """How a history is looked at: its axis, the window of it in Unix seconds, and what was clicked."""

    axis: Axis
    window: Window | None
    at: float | None

    @property
    def placed(self) -> Window | None:
        """The window as places on the axis."""
        if self.window is None:
            return None
        return Window(self.axis.of(self.window.begin), self.axis.of(self.window.end))


def named_container() -> str | None:
    """Return the container that the address names."""
    return st.query_params.get("container")


def turn_to(shown: Shown) -> None:
    """Follow the choice between a run and a container: the address tells which; for its `on_change`."""
    if st.session_state[KIND] == RUN:
        forget()
    elif named_container() is None and shown.containers:
        st.query_params.from_dict({"container": shown.containers[0].name})


def forget() -> None:
    """Take what belongs to a container out of the address."""
    if named_container() is not None:
        for name in (*_OWN, *_PLACES):
            st.query_params.pop(name, None)


def kind_label(kind: str) -> str:
    """Return what a timeline may be of, in words."""
    return _("A run") if kind == RUN else _("A container")


def seed() -> None:
    """Give the widgets what the address says, before they are drawn."""
    st.session_state[KIND] = RUN if named_container() is None else HISTORY
    st.session_state[CONTAINER] = named_container()
    last = st.query_params.get("last", _USUAL)
    st.session_state[RANGE] = last if last in SPANS else _USUAL


def picked() -> None:
    """Put what the widgets say into the address; for their `on_change`."""
    st.query_params.from_dict({"container": st.session_state[CONTAINER], "last": st.session_state[RANGE]})


def range_label(span: str) -> str:
    """Return the name of a range."""
    return {
        "1h": _("Last hour"),
        "6h": _("Last 6 hours"),
        "24h": _("Last 24 hours"),
        "7d": _("Last 7 days"),
    }[span]


def read_again() -> None:
    """Have the log read anew when the page is drawn next; for the button's `on_click`."""
    st.session_state[_AGAIN] = True


def picture_of(container: str) -> Picture:
    """Return what is known of the chosen range of a container; a part of it while it is being read."""
    again = bool(st.session_state.pop(_AGAIN, False))
    return session.console().histories.history(container, st.session_state[RANGE], anew=again)


def look_of(history: LoadHistory, key: str) -> Look:
    """Return how the chart of this key is looked at."""
    axis = axis_of(history, zone())
    begin, end = number_in_address("begin"), number_in_address("end")
    linked = Window(axis.of(begin), axis.of(end)) if begin is not None and end is not None else None
    placed = looked_at(key, linked if linked is not None and linked.begin < linked.end else None)
    window = None if placed is None else Window(axis.time(placed.begin), axis.time(placed.end))
    keep_window(window)
    return Look(axis, window, number_in_address("at"))


def note_click_on(key: str, axis: Axis) -> None:
    """Put the moment that was clicked on the chart of this key into the address; for its `on_click`."""
    found = clicked(key)
    if found is not None:
        session.address(at=f"{axis.time(found[0]):.6f}")


def lines_of(history: LoadHistory, at: float | None) -> LinesNear:
    """Return the log lines of the moment that was clicked; nothing, and not running, before a click."""
    if at is None:
        return LinesNear(MomentLines((), None))
    return session.console().histories.lines(history.container, at + history.ahead)


def lines_link(container: str, near: LinesNear) -> dict[str, str]:
    """Return the query of the Live logs page that leads to the line that is meant."""
    line = near.found.line
    query = {"container": container}
    return query if line is None else query | {"of": container, "at": f"{line.time:.6f}"}
