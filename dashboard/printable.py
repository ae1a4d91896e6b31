"""Text from outside made safe to print: on a terminal, in a page, in XML.

A worker's log, an error or a model's answer may hold colour codes, control characters or signs that turn the
reading direction. Colour codes go; the rest stays visible as an escape, so that nothing is hidden.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["as_it_is", "as_text", "printable"]

_SEQUENCES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_SPECIAL: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>()#$:~!|"})
_UNSAFE: Final = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f"  # control characters, but for the tab
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible and direction-turning ones
    r"\ud800-\udfff\ufffe\uffff]"  # no characters at all, and not allowed in XML
)


def printable(text: str) -> str:
    """Return `text` as one line that is safe to print anywhere; markup must still be escaped."""
    return _UNSAFE.sub(_escape, _SEQUENCES.sub("", text))


def as_text(text: str) -> str:
    """Return `text` without what no database takes: half a character, or a zero."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def as_it_is(text: str) -> str:
    """Return Markdown that shows `text` as it is: a service's own words may hold anything."""
    return " ".join(text.split()).translate(_SPECIAL)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return {10: "\\n", 13: "\\r"}.get(code, f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
