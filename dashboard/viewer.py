"""Which language a browser tab speaks: the chosen one, the remembered one, or its browser's own.

    ?language=ko, else the cookie of the last choice, else the browser's own --settle--> the switch's state

The switch in the sidebar changes it for this browser alone; its other tabs follow when they are loaded again.
"""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.components.language_memory import COOKIE, remember
from dashboard.language import ENGLISH, LANGUAGES, _, ask_viewer, known

__all__ = ["LANGUAGE_KEY", "language_switch", "settle", "viewer_language", "viewer_zone"]

LANGUAGE_KEY: Final = "language"
"""Key of the switch, and name of what may stand in the address of a link."""


def viewer_language() -> str:
    """Return the language of the tab that this thread draws; English on a thread that draws none."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    return known(st.session_state.get(LANGUAGE_KEY)) or _first()


def viewer_zone() -> str:
    """Return the time zone of the tab that this thread draws; nothing where nobody says."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ""
    named = st.context.timezone
    return named if isinstance(named, str) else ""  # AppTest has something else


def settle() -> None:
    """Decide on the language of a new tab, before anything is drawn in it."""
    if known(st.session_state.get(LANGUAGE_KEY)) is None:
        st.session_state[LANGUAGE_KEY] = _first()
    # It has been followed: what is shared from here on does not press a language on anybody.
    st.query_params.pop(LANGUAGE_KEY, None)


def language_switch() -> None:
    """Draw the switch, and let the browser remember what it shows."""
    st.segmented_control(
        _("Language"), list(LANGUAGES), format_func=LANGUAGES.__getitem__, key=LANGUAGE_KEY, required=True,
        label_visibility="collapsed", on_change=_carry_over,
    )  # fmt: skip
    remember(viewer_language())


def _carry_over() -> None:
    """Keep what was chosen on the page: a browser names the options of its lists by their words of before."""
    for key, value in st.session_state.items():
        if isinstance(value, str | list):  # a press of a button is a bool, and cannot be set
            st.session_state[key] = value


def _first() -> str:
    wishes = (st.query_params.get(LANGUAGE_KEY), st.context.cookies.get(COOKIE), st.context.locale)
    # Where there is no browser, under AppTest, what it would have told is neither text nor None
    named = (known(each) for each in wishes if isinstance(each, str))
    return next(filter(None, named), ENGLISH)


ask_viewer(viewer_language, viewer_zone)
