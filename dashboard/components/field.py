"""What stands under a field that was filled in wrongly."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.retold import told

__all__ = ["field_error"]

_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>()#$:~"})


def field_error(errors: Mapping[str, str], name: str) -> None:
    """Say what is wrong with the field `name`, if anything is."""
    if name in errors:
        # The sentence quotes what was typed: it is shown as it is, not as Markdown.
        st.markdown(f":small[:red[:material/error: {told(errors[name]).translate(_SPECIAL)}]]")
