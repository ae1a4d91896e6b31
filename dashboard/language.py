"""The viewer's language: words, numbers and times as each one reads them; English where nobody chose.

    _("Log of {name}", name=name)           words that the source of a page says, through gettext
    n_("{count} run", "{count} runs", 3)    … with a count, which is written as the language writes numbers
    number(0.25, 2), moment(time, pattern)  numbers and times, through Babel

An English sentence is its own key in `languages/ko.po`, which is compiled in memory when it is first needed:
a fresh clone needs no build. Several people look at one console at the same time, so the language belongs to
whoever asks: a block under `speaking`, else the browser tab whose script runs on this thread, else nobody,
and that is English: the command line, records, reports and logs.

Threading: any thread may call anything here.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

# Babel is imported late: it takes 70 ms, and most commands say nothing that needs it.

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "TOLD",
    "_",
    "ask_viewer",
    "catalogue",
    "filled",
    "known",
    "language",
    "moment",
    "n_",
    "number",
    "speaking",
    "translations",
]

ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {ENGLISH: "English", "ko": "한국어"}
"""The languages of the console, each by its own name."""
FOLDER: Final = Path(__file__).parent / "languages"
TOLD: Final = "told"
"""Context of the sentences in the catalogue that are translated by `dashboard.retold`."""

_PLACE: Final = re.compile(r"\{(\w+)\}")
_spoken: ContextVar[str | None] = ContextVar("loadonce_language", default=None)


def _nobody() -> str:
    return ENGLISH


_viewer: Callable[[], str] = _nobody  # replaced once, when the page layer is imported


def ask_viewer(viewer: Callable[[], str]) -> None:
    """Let `viewer` tell the language of whoever this thread draws a page for."""
    global _viewer
    _viewer = viewer


def known(name: str | None) -> str | None:
    """Return the language of the console that a browser's `ko-KR` or a cookie means; None if it is none."""
    short = re.split(r"[-_]", name or "", maxsplit=1)[0].lower()
    return short if short in LANGUAGES else None


def language() -> str:
    """Return the language to speak here and now."""
    return _spoken.get() or _viewer()


@contextmanager
def speaking(name: str | None) -> Iterator[None]:
    """Speak one language within this block, whoever looks; what is no language of the console is English."""
    before = _spoken.set(known(name) or ENGLISH)
    try:
        yield
    finally:
        _spoken.reset(before)


@cache
def catalogue(name: str) -> Catalog:
    """Return the catalogue of a language that is not English; it is read once."""
    from babel.messages.pofile import read_po

    with (FOLDER / f"{name}.po").open("rb") as file:
        return read_po(file, locale=name)


@cache  # two threads may both compile it, which costs time once and changes nothing
def translations(name: str) -> gettext.NullTranslations:
    """Return what is translated into a language; nothing, if it is English."""
    if name == ENGLISH:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, catalogue(name))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def filled(text: str, values: Mapping[str, object]) -> str:
    """Put values into the `{places}` of a text; what stands in braces and is no place stays as it is."""
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), text) if values else text


def _(message: str, /, **values: object) -> str:
    """Return a message in the viewer's language, with `values` in its places."""
    return filled(translations(language()).gettext(message), values)


def n_(one: str, many: str, count: int, /, **values: object) -> str:
    """Return a message about `count` things, with it and `values` in its places."""
    message = translations(language()).ngettext(one, many, count)
    return filled(message, {"count": number(count), **values})


def number(value: float, digits: int = 0) -> str:
    """Return a number as the viewer writes numbers, with so many digits behind the point."""
    return _number(language(), value, digits)


def moment(time: float, pattern: str) -> str:
    """Return a moment in the console's own time zone, by a pattern of Unicode's such as `dd MMM y`."""
    return _moment(language(), time, pattern)


# Each takes 40 microseconds, and a list of a thousand runs writes the same ones at every rerun
@lru_cache(maxsize=16_384)
def _number(name: str, value: float, digits: int) -> str:
    from babel.numbers import format_decimal

    # Python rounds, as in every report; Babel only writes what is left
    shape = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(round(value, digits), format=shape, locale=name)


@lru_cache(maxsize=16_384)
def _moment(name: str, time: float, pattern: str) -> str:
    from babel.dates import format_datetime

    return format_datetime(datetime.fromtimestamp(time).astimezone(), pattern, locale=name)
