"""Where a log that is read from an earlier moment meets the first line of one that is followed already.

    read:      a b c d e f g h …        both in the order of the engine's own file
    followed:          e f g            (its head: the first records that its follower saw)
    older:     a b c d

Stamps alone cannot tell: neighbours may share one, and the two streams change places by milliseconds. So the
head is looked for as a whole, record by record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dashboard.engine.records import Record

__all__ = ["Seam"]

_SLACK_NS: Final = 100_000_000
"""How far past the head's stamps is looked: 16 ms were seen between stdout and stderr."""


_PAST_S: Final = 1.0
"""An engine ends a reading at the first stamp that is too late, though earlier ones may follow."""


class Seam:
    """Tells the records before `head`, of which there is one at least, from those after. For one reader.

    `over` says that no older ones can come any more. After `finish`, `found` says whether the head was met;
    if it was not, what is older was told by the stamps, and a line at the seam may be missing or come twice.
    """

    def __init__(self, head: Sequence[Record]) -> None:
        self._head = list(head)
        self._first = min((one.nanos for one in head if one.nanos is not None), default=None)
        self._last = max((one.nanos for one in head if one.nanos is not None), default=None)
        self._held: list[Record] = []
        self.over = False
        self.found = False

    def begin(self, since: float | None) -> float | None:
        """From when on the log must be read for what is older than the head and no older than `since`.

        None for a log that must be read from its beginning, and with a `since`: when there is no such line.
        """
        if since is None or self._first is None:
            return since
        if since > (self._first + _SLACK_NS) / 1e9:
            return None
        return min(since, (self._first - _SLACK_NS) / 1e9)

    @property
    def first(self) -> float | None:
        """Unix seconds of the head's first lines."""
        return None if self._first is None else self._first / 1e9

    @property
    def end(self) -> float | None:
        """Unix seconds up to which the log must be read; None where no stamp tells it."""
        return None if self._last is None else self._last / 1e9 + _PAST_S

    def feed(self, record: Record) -> Iterator[Record]:
        """Yield the records that are known to be older, now that `record` has come."""
        if self.over:
            return
        if self._last is not None and record.nanos is not None and record.nanos > self._last + _SLACK_NS:
            self.over = True
            return
        near = self._first is None or record.nanos is None or record.nanos >= self._first - _SLACK_NS
        if self._held or near:
            self._held.append(record)
        else:
            yield record

    def finish(self) -> Iterator[Record]:
        """Yield what is left of the older records, when the log has ended or the seam is over."""
        self.over = True
        held, head = self._held, self._head
        # The last place where all of it fits: a head of equal records fits in many
        for at in range(len(held) - len(head), -1, -1):
            if self._fits(held[at]) and held[at + 1 : at + len(head)] == head[1:]:
                self.found = True
                yield from held[:at]
                yield from self._cut_off(held[at])
                return
        yield from (record for record in held if (record.nanos or 0) < (self._first or 0))

    def _fits(self, record: Record) -> bool:
        """Whether the head may begin with `record`: a follow may begin in the middle of a very long line."""
        first = self._head[0]
        return record == first or (record[:2] == first[:2] and record.text.endswith(first.text))

    def _cut_off(self, record: Record) -> Iterator[Record]:
        """What the head's first record lacks of the line that it is the end of."""
        rest = record.text[: len(record.text) - len(self._head[0].text)]
        if rest:
            yield record._replace(text=rest)
