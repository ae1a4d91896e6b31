"""What a follower has shown of the newest two seconds, so that a second delivery of a line can be told.

Stamps alone cannot tell: they repeat, and go back by milliseconds between stdout and stderr. So lines are
counted by their stamp, stream and text.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from dashboard.engine.records import Record

__all__ = ["Window"]

_SPAN_NS: Final = 2_000_000_000
_SLACK_NS: Final = 100_000_000
"""How far stamps may go back: 16 ms were seen between stdout and stderr."""
_EDGE_NS: Final = 1_000_000
"""`since` is cut to microseconds: lines this near to it may or may not be sent again."""
_MOST: Final = 500_000
_ENVELOPE: Final = 90
"""Bytes that the engine's file adds to each line."""


class Window:
    """The newest lines that were shown, by what makes them one delivery. Threading: for one reader."""

    def __init__(self) -> None:
        self.newest: int | None = None
        self._shown: deque[Record] = deque()
        self._counts: Counter[Record] = Counter()
        self._bytes = 0
        self._again: Counter[Record] = Counter()
        self._resumed_at = 0
        self._behind = False
        self._first: Record | None = None
        self._before_first = False

    @property
    def since(self) -> float | None:
        """Unix seconds from which on the log must be asked for again; None before the first line."""
        return None if self.newest is None else max(0, self.newest - _SPAN_NS) / 1e9

    def resume(self) -> None:
        """Say that the log is about to be sent again from `since` on."""
        self._resumed_at = self.newest or 0
        self._again = self._counts.copy()
        self._behind = False
        first = None if self._first is None else self._first.nanos
        self._before_first = first is not None and self._resumed_at - _SPAN_NS <= first + _SLACK_NS

    def is_new(self, record: Record) -> bool:
        """Tell a line that has not been shown from one that is delivered again, and remember it.

        Neither new is what was written before the first line that was shown: it was not asked for.
        """
        if self._before_first and self._is_before_first(record):
            return False
        if self._again.get(record, 0):
            self._again[record] -= 1
            return False
        nanos, newest = record.nanos, self.newest
        if nanos is None:
            return True
        # An engine that rotates a log goes back in it, in the middle of a follow, and sends lines again.
        known = newest is not None and self._counts.get(record, 0) > 0
        if known and newest is not None and (nanos < newest or self._behind):
            self._behind = True
            return False
        self._behind = False
        if newest is None or nanos > newest or nanos < newest - _SLACK_NS:
            self.newest = nanos  # also an earlier one: the engine's clock was set back
        self._remember(record)
        return True

    def has(self, nanos: int | None, since: float | None) -> bool:
        """Whether a line of that stamp was shown; so is, in effect, one from before `since` or the window."""
        if nanos is None or nanos < (since or 0) * 1e9 or nanos < (self.newest or 0) - _SPAN_NS:
            return True
        return any(one.nanos == nanos for one in self._shown)

    def lost_before(self, record: Record | None) -> int:
        """How many lines did not come again although `record` (None: the log's end) is past them all."""
        if not self._again or (record is not None and (record.nanos or 0) <= self._resumed_at + _SLACK_NS):
            return 0
        edge = self._resumed_at - _SPAN_NS + _EDGE_NS
        lost = sum(count for one, count in self._again.items() if (one.nanos or 0) >= edge)
        self._again.clear()
        return lost

    def bytes_per_second(self) -> float:
        """How fast the engine's file has grown over the window."""
        if not self._shown or self.newest is None:
            return 0.0
        span = max(self.newest - (self._shown[0].nanos or 0), 10_000_000)
        return self._bytes / (span / 1e9)

    def _is_before_first(self, record: Record) -> bool:
        first = self._first
        if first is None or record.nanos is None or self._again.get(record, 0):
            self._before_first = False
        elif record[:2] == first[:2] and record.text.endswith(first.text):
            self._before_first = False  # of a very long line only the end was shown, and its rest is no news
            return True
        elif record.nanos > (first.nanos or 0) + _SLACK_NS:
            self._before_first = False  # it is gone from the log
        return self._before_first

    def _remember(self, record: Record) -> None:
        self._first = self._first or record
        self._shown.append(record)
        self._counts[record] += 1
        self._bytes += len(record.text) + _ENVELOPE
        oldest = (self.newest or 0) - _SPAN_NS - _SLACK_NS
        while (self._shown[0].nanos or 0) < oldest or len(self._shown) > _MOST:
            gone = self._shown.popleft()
            self._bytes -= len(gone.text) + _ENVELOPE
            self._counts[gone] -= 1
            if not self._counts[gone]:
                del self._counts[gone]
