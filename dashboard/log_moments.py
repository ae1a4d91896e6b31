"""The few lines of a log around one moment, as they stand beside a chart. Pure.

what was clicked --(a line's number, or a moment)--> lines before it, the line, lines after it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

import numpy as np

from dashboard.bins import Moments
from dashboard.evidence import LogLine
from dashboard.live_feed import LineSource
from dashboard.printable import printable

__all__ = ["AFTER", "BEFORE", "MomentLines", "lines_around", "lines_text", "nearest"]

BEFORE: Final = 4
AFTER: Final = 7
_WIDEST: Final = 400
"""Characters of a line that are shown: the log itself has the rest."""


@dataclass(frozen=True, slots=True)
class MomentLines:
    """Some lines, and which of them was meant, by its place among them; None when there are none."""

    lines: tuple[LogLine, ...]
    meant: int | None

    @property
    def line(self) -> LogLine | None:
        """The line that was meant."""
        return None if self.meant is None else self.lines[self.meant]


def lines_around(
    log: LineSource, times: Moments, first: int, *, at: float, number: int | None
) -> MomentLines:
    """Return the lines of a log around line `number`, or around the line that came nearest to `at`.

    Args:
        times: when each line came, Unix seconds. first: number of the first of them.
    """
    if number is None:
        if not len(times):
            return MomentLines((), None)
        number = first + int(np.abs(times - at).argmin())
    page = log.read(max(number - BEFORE, 0), BEFORE + 1 + AFTER, 64 * 1024)
    wanted = number
    return nearest(page.lines, lambda line: abs(line.number - wanted))


def nearest(lines: Sequence[LogLine], distance: Callable[[LogLine], float]) -> MomentLines:
    """Return the lines, of which the one with the least `distance` is meant."""
    places = range(len(lines))
    return MomentLines(tuple(lines), min(places, key=lambda place: distance(lines[place]), default=None))


def lines_text(found: MomentLines, zone: tzinfo | None, *, numbered: bool = True) -> str:
    """Return the lines as text, each with its number and its clock, and a sign before the one meant.

    `zone` is the reader's; None is the console's own.
    """
    width = len(f"{max((line.number for line in found.lines), default=0) + 1:,}")

    def number(line: LogLine) -> str:
        return f"{line.number + 1:>{width},} " if numbered else ""

    return "\n".join(
        f"{'▶' if place == found.meant else ' '} {number(line)}{_clock(line.time, zone)} {_cut(line)}"
        for place, line in enumerate(found.lines)
    )


def _clock(time: float, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(time).astimezone(zone).strftime("%H:%M:%S.%f")[:-3]


def _cut(line: LogLine) -> str:
    text = printable(line.text)
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]} …"
