"""The keys of the console, and the list of them that `?` and a button in the sidebar open.

A single letter as a shortcut disturbs whoever speaks to his machine or types with a stick, so that the list
can switch all of them off, for this browser (WCAG 2.1.4). Keys of a component that has the focus, such as
those of the log, are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.components.source import component
from dashboard.language import _

__all__ = ["SHORTCUTS", "Shortcut", "keyboard"]

_mount: Final = component("keyboard", ["keyboard.js"], styles=["keyboard.css"])


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One key, for wherever what it is for is in sight.

    Attributes:
        key: as the browser names it, an upper case letter with Shift.
        does: press a button, or give the focus to a field.
        where: CSS selectors of it, also within components; the first in sight is taken.
        words: returns what it does, in the viewer's language.
    """

    key: str
    does: Literal["press", "focus"]
    where: str
    words: Callable[[], str]


SHORTCUTS: Final = (
    Shortcut("l", "press", ".st-key-launch button", lambda: _("Launch what the form says")),
    # With Shift: a slip of the finger must not end a run of an hour.
    Shortcut("A", "press", ".board .abort", lambda: _("Abort the run that is shown")),
    Shortcut("p", "press", ".log .pause", lambda: _("Hold the log still, and let it go on")),
    Shortcut("/", "focus", ".log .filter, .st-key-search input", lambda: _("Search")),
)


def keyboard() -> None:
    """Listen for the keys, and draw the button that opens their list."""
    rows = [
        {"key": each.key, "does": each.does, "where": each.where, "words": each.words()} for each in SHORTCUTS
    ]
    within = [
        ["n", "N", _("In the log: next hit, previous hit")],
        [_("Space"), "", _("In the log: hold it still")],
        ["↑", "↓", _("In the log: from line to line; Enter opens one")],
        ["Esc", "", _("Close what is open, or empty the search")],
    ]
    words = {
        "button": _("Keyboard"),
        "title": _("Keyboard"),
        "open": _("Show this list"),
        "switch": _("Keys of one letter"),
        "about": _("Nothing happens while you type in a field."),
        "close": _("Close"),
    }
    _mount(key="keyboard", data={"shortcuts": rows, "within": within, "words": words})
