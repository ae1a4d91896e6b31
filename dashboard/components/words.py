"""What components written in JavaScript say, in the viewer's language: one dictionary for each of them.

    run_board.js  tr("Run again") --texts_of--> ("Run again", …) --words--> {"Run again": "…"} --> speak()

The English stands in the component's own source and nowhere else, so the two cannot drift apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from dashboard.language import ENGLISH, _, language

__all__ = ["WORDS_JS", "keyed", "texts_of", "words"]

_HERE: Final = Path(__file__).parent
WORDS_JS: Final = "words.js"
"""The script that goes before those of a component that speaks."""
_CALL: Final = re.compile(r'\btr\(("(?:[^"\\]|\\.)*")')
_CHOICE: Final = re.compile(r'\btr\([^"()]*\?\s*("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*")')
_SPOKEN: Final = ("title", "aria-label", "placeholder")
_LETTER: Final = re.compile(r"[A-Za-z]{2,}")


def texts_of(*names: str) -> tuple[str, ...]:
    """Return the texts of components' files, in English: what goes through `tr`, and what HTML shows."""
    found: dict[str, None] = {}
    for name in names:
        source = (_HERE / name).read_text("utf-8")
        texts = _shown_in(source) if name.endswith(".html") else _translated_in(source)
        found |= dict.fromkeys(texts)
    return tuple(found)


def words(texts: Iterable[str]) -> dict[str, str]:
    """Return the texts in the viewer's language; nothing where that is English, which they are in already."""
    return {} if language() == ENGLISH else {text: _(text) for text in texts}


def keyed(key: str) -> str:
    """Return a component's key in the viewer's language: in another one it is mounted, and drawn, anew."""
    return key if language() == ENGLISH else f"{key}-{language()}"


def _translated_in(source: str) -> Iterable[str]:
    for call in _CALL.finditer(source):
        yield json.loads(call[1])
    for choice in _CHOICE.finditer(source):
        yield from map(json.loads, choice.groups())


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [
            value for name, value in attrs if name in ("title", "aria-label", "placeholder") and value
        ]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def _shown_in(source: str) -> Iterable[str]:
    parser = _Shown()
    parser.feed(source)
    return (text for text in parser.texts if _LETTER.search(text))
