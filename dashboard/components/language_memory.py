"""What the browser keeps of the language: a cookie, and what tells its screen reader how to speak."""

from __future__ import annotations

from typing import Final

from dashboard.components.source import component

__all__ = ["COOKIE", "remember"]

COOKIE: Final = "loadonce_language"
_mount: Final = component("language_memory", ["language_memory.js"])


def remember(language: str) -> None:
    """Let the browser keep `language` for a year, and say that the page is written in it."""
    _mount(key="language_memory", data={"language": language, "cookie": COOKIE})
