"""The error lines of a log that a diagnosis reads: the last words of tracebacks, few and not long.

They change no verdict. A worker of ours tells its errors in its events; a stranger only prints them.
"""

from __future__ import annotations

from typing import Final

from dashboard.profiles import names_error

__all__ = ["ErrorLines"]

_MOST: Final = 32
_LONGEST: Final = 400


class ErrorLines:
    """Keeps the first lines that name a known error, each once. For one reader."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    def see(self, text: str) -> None:
        """Look at one line."""
        # The guide's service tries eight bits first; that they do not fit is part of its load
        if len(self._seen) < _MOST and names_error(text) and "quantization failed" not in text:
            self._seen[text.strip()[:_LONGEST]] = None

    @property
    def seen(self) -> tuple[str, ...]:
        """Return them in the order in which they first came."""
        return tuple(self._seen)
