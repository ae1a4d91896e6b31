"""Which part of a container's log is wanted: what a page asks and what a socket is told.

All moments are Unix seconds by the engine's clock, as the lines' own times are: a link must mean the same
line to a colleague and after a restart, and how far two clocks are apart is measured anew each time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from dashboard.moments import MomentError, moment

__all__ = ["MOST_LINES", "NEWEST", "LogRange", "RangeError", "chosen_moment", "chosen_tail"]

NEWEST: Final = 5000
"""Lines that a log begins with when nothing else is asked for."""
MOST_LINES: Final = 10_000_000
_SECONDS: Final = re.compile(r"\d{1,11}(\.\d{1,9})?", re.ASCII)
_MOMENTS: Final = ("begin", "until", "at")


class RangeError(ValueError):
    """No part of a log is meant by this. The message is for people and says what would be right."""


@dataclass(frozen=True, slots=True)
class LogRange:
    """A part of a log.

    Attributes:
        begin: its beginning; None is as many of the newest lines as `tail` says.
        until: its end; None follows the log as it grows.
        tail: how many of the newest lines; ignored with a `begin`.
        at: a moment that must be in it: it begins earlier if that is needed.
        log: whose line numbers are meant, as the page was told; empty for whoever remembers none.
    """

    begin: float | None = None
    until: float | None = None
    tail: int = NEWEST
    at: float | None = None
    log: str = ""

    def wire(self) -> dict[str, str]:
        """Return it as the pairs of a query."""
        pairs = {"log": self.log} if self.log else {}
        if self.begin is None and self.tail != NEWEST:
            pairs["tail"] = str(self.tail)
        for name in _MOMENTS:
            value: float | None = getattr(self, name)
            if value is not None:
                pairs[name] = f"{value:.6f}"
        return pairs

    @classmethod
    def read(cls, query: Mapping[str, str]) -> LogRange:
        """Return the range that a query's pairs mean; other pairs are left alone.

        Raises:
            RangeError: a value is none.
        """
        found: dict[str, float | None] = dict.fromkeys(_MOMENTS)
        for name in _MOMENTS:
            text = query.get(name, "")
            if text and not _SECONDS.fullmatch(text):
                raise RangeError(f"{name}={text[:40]!r} is no time in Unix seconds.")
            found[name] = float(text) if text else None
        if found["begin"] is not None and found["until"] is not None and found["begin"] > found["until"]:
            raise RangeError("This range ends before it begins.")
        tail = chosen_tail(query.get("tail") or str(NEWEST))
        return cls(found["begin"], found["until"], tail, found["at"], query.get("log", ""))


def chosen_tail(text: str) -> int:
    """Return the number of lines that `text` says.

    Raises:
        RangeError: it is no number of lines.
    """
    plain = text.strip().replace(",", "").replace("_", "")
    if plain.isascii() and plain.isdecimal() and 1 <= int(plain[:12]) <= MOST_LINES:
        return int(plain)
    raise RangeError(f"{text[:40]!r} is no number of lines. Give one from 1 to {MOST_LINES:,}.")


def chosen_moment(text: str, now: float, zone: tzinfo | None = None) -> float:
    """Return the moment that somebody typed; a date without a zone is in `zone`, which is his browser's.

    Raises:
        RangeError: it is no moment, or has not come yet.
    """
    try:
        found = moment(text, now)
    except MomentError as error:
        raise RangeError(str(error)) from error
    if zone is not None:
        try:
            date = datetime.fromisoformat(text.strip())
        except ValueError:
            pass  # a span, or Unix seconds: the same everywhere
        else:
            found = (date if date.tzinfo is not None else date.replace(tzinfo=zone)).timestamp()
    if found > now + 1:
        raise RangeError(f"{text[:40]!r} has not come yet. Give a moment that has gone by.")
    return found
