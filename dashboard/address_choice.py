"""Choices of a form that stand in the address by names of their own: `?guard=off` in whatever language.

The framework's own binding writes the words that the viewer read. A colleague who reads others would be shown
the usual choice instead, without a word. Addresses with such words, of any language, mean what they meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import streamlit as st

from dashboard.language import LANGUAGES, _, speaking
from dashboard.retold import told

__all__ = ["keep_choice", "seed_choice"]

_SEEN: Final = "{}-in-address"


def seed_choice(
    key: str, options: Sequence[str], labels: Mapping[Any, str], usual: str | Sequence[str]
) -> str:
    """Give the widget of this key what the address says, before it is drawn.

    Args:
        labels: the words of each option, in English.
        usual: what is chosen where the address says nothing; a list where several can be.

    Returns:
        What the address asks for that is no choice, as a sentence; nothing else.
    """
    given, seen = st.query_params.get_all(key), _SEEN.format(key)
    if key in st.session_state and st.session_state.get(seen) == given:
        return ""
    if given or key not in st.session_state:
        names = _names(options, labels)
        found = [names[each.casefold()] for each in given if each.casefold() in names]
        if isinstance(usual, str):
            st.session_state[key] = found[-1] if found else usual
        else:
            st.session_state[key] = found if found or given == [""] else list(usual)
        _write(key, usual)
        strange = [each for each in given if each and each.casefold() not in names]
    else:
        strange = []
    st.session_state[seen] = st.query_params.get_all(key)
    if not strange:
        return ""
    return _(
        "The address asks for {value} at {name}, which is none of the choices here. Choose one yourself.",
        value=", ".join(strange)[:80],
        name=key,
    )


def keep_choice(key: str, usual: str | Sequence[str]) -> None:
    """Put what was chosen into the address; for the widget's `on_change`."""
    _write(key, usual)
    st.session_state[_SEEN.format(key)] = st.query_params.get_all(key)


def _write(key: str, usual: str | Sequence[str]) -> None:
    chosen = st.session_state[key]
    if chosen == usual or (not isinstance(usual, str) and set(chosen) == set(usual)):
        st.query_params.pop(key, None)
    elif isinstance(chosen, str):
        st.query_params[key] = chosen
    else:
        st.query_params[key] = list(chosen) or [""]


def _names(options: Iterable[str], labels: Mapping[Any, str]) -> dict[str, str]:
    """Return what each option may be called in an address: its own name, and its words in each language."""
    names: dict[str, str] = {}
    for language in LANGUAGES:
        with speaking(language):
            names |= {told(labels[option]).casefold(): option for option in options}
    return names | {option: option for option in options}
