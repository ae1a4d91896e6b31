"""What the browser keeps of the language: a cookie, and what tells its screen reader how to speak."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

__all__ = ["COOKIE", "remember"]

COOKIE: Final = "loadonce_language"
_mount: Final = st.components.v2.component(
    "loadonce.language_memory", js=(Path(__file__).parent / "language_memory.js").read_text("utf-8")
)


def remember(language: str) -> None:
    """Let the browser keep `language` for a year, and say that the page is written in it."""
    _mount(key="language_memory", data={"language": language, "cookie": COOKIE})
