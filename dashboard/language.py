"""The viewer's language: words, numbers and times as each one reads them; English where nobody chose.

    _("Log of {name}", name=name)           words that the source of a page says, through gettext
    n_("{count} run", "{count} runs", 3)    … with a count, which is written as the language writes numbers
    number(0.25, 2), moment(time, pattern)  numbers and times, through Babel; times with their zone

An English sentence is its own key in `languages/ko.po`, which is compiled in memory when it is first needed:
a fresh clone needs no build. Several people look at one console at the same time, so the language belongs to
whoever asks: a block under `speaking`, else the browser tab whose script runs on this thread, else nobody,
and that is English: the command line, records, reports and logs. So does the time zone: the browser's own,
else this machine's.

Threading: any thread may call anything here.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

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
    "tag",
    "translations",
    "zone",
    "zone_named",
    "zone_words",
]

ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {ENGLISH: "English", "ko": "한국어"}
"""The languages of the console, each by its own name."""
FOLDER: Final = Path(__file__).parent / "languages"
TOLD: Final = "told"
"""Context of the sentences in the catalogue that are translated by `dashboard.retold`."""

_PLACE: Final = re.compile(r"\{(\w+)\}")
_spoken: ContextVar[str | None] = ContextVar("loadonce_language", default=None)
_clock: ContextVar[str | None] = ContextVar("loadonce_zone", default=None)  # the name of a time zone


def _nobody() -> str:
    return ENGLISH


def _nowhere() -> str:
    return ""


# Replaced once, when the page layer is imported
_viewer: Callable[[], str] = _nobody
_place: Callable[[], str] = _nowhere


def ask_viewer(viewer: Callable[[], str], place: Callable[[], str] = _nowhere) -> None:
    """Let `viewer` and `place` tell language and time zone of whoever this thread draws a page for."""
    global _viewer, _place
    _viewer, _place = viewer, place


def known(name: str | None) -> str | None:
    """Return the language of the console that a browser's `ko-KR` or a cookie means; None if it is none."""
    short = re.split(r"[-_]", name or "", maxsplit=1)[0].lower()
    return short if short in LANGUAGES else None


def language() -> str:
    """Return the language to speak here and now."""
    return _spoken.get() or _viewer()


def tag() -> str:
    """Return language and time zone of here and now, as `speaking` reads them: `ko@Asia/Seoul`."""
    place = _zone_name()
    return f"{language()}@{place}" if place else language()


def zone() -> tzinfo | None:
    """Return the time zone to tell times in; None is this machine's own."""
    return zone_named(_zone_name())


def _zone_name() -> str:
    held = _clock.get()
    return _place() if held is None else held


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo | None:
    """Return the time zone that a browser calls by a name; None if there is none such."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


@contextmanager
def speaking(name: str | None) -> Iterator[None]:
    """Speak one language within this block, whoever looks; what is no language of the console is English.

    `name` may be a `tag`, whose times are told in its zone; without a zone they are this machine's.
    """
    spoken, _at, place = (name or "").partition("@")
    before, there = _spoken.set(known(spoken) or ENGLISH), _clock.set(place)
    try:
        yield
    finally:
        _spoken.reset(before)
        _clock.reset(there)


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
    """Return a moment by the viewer's clock, with its zone, by a pattern of Unicode's: `dd MMM y`."""
    return _moment(language(), zone(), time, pattern)


def zone_words(time: float) -> str:
    """Return how far the viewer's clock is from UTC at a moment, the same in every language: `UTC+5:30`."""
    away = datetime.fromtimestamp(time).astimezone(zone()).utcoffset()
    minutes = round(away.total_seconds() / 60) if away is not None else 0
    hours, rest = divmod(abs(minutes), 60)
    part = f":{rest:02d}" if rest else ""
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{part}" if minutes else "UTC"


# Each takes 40 microseconds, and a list of a thousand runs writes the same ones at every rerun
@lru_cache(maxsize=16_384)
def _number(name: str, value: float, digits: int) -> str:
    from babel.numbers import format_decimal

    # Python rounds, as in every report; Babel only writes what is left
    shape = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(round(value, digits), format=shape, locale=name)


@lru_cache(maxsize=16_384)
def _moment(name: str, place: tzinfo | None, time: float, pattern: str) -> str:
    from babel.dates import format_datetime

    there = datetime.fromtimestamp(time).astimezone(place)
    return f"{format_datetime(there, pattern, locale=name)} {zone_words(time)}"
