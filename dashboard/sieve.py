"""Picks out of a log the lines that may tell of a load, many lines at a time; the others are never decoded.

    lines --joined, stream by stream--> signs found in the bytes --> the lines that they touch --> Timeline

RE2 goes through a block of lines in the time in which Python could look at a handful of them. A little too
much is picked, never too little: a phrase may begin in one line and end in another.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

from dashboard.evidence import LogLine, Stream
from dashboard.logs import MAX_LINE, shown_lines
from dashboard.profiles import SIGNS, without_colours
from dashboard.timeline import REACH

__all__ = ["Sieve", "Sifted"]


def _any_case(expression: bytes) -> re.Pattern[bytes]:
    options = re2.Options()
    options.encoding, options.case_sensitive = re2.Options.Encoding.LATIN1, False
    compiled: re.Pattern[bytes] = re2.compile(expression, options)
    return compiled


_SIGN: Final = _any_case(b"|".join([b"event=", *SIGNS.values()]))
_WIDEST: Final = 4  # bytes of a character


@dataclass(frozen=True, slots=True)
class Sifted:
    """Some lines of a log.

    Attributes:
        count, size: how many there were, and of how many bytes.
        telling: those that may tell something, each with what stood before it in its stream.
    """

    count: int
    size: int
    telling: tuple[tuple[LogLine, str], ...]


class Sieve:
    """Sifts the log of one source, from its first line on. For one reader."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._number = 0
        self._tails: dict[Stream, str] = {}

    def sift(
        self,
        streams: Sequence[Stream],
        texts: Sequence[bytes],
        moment: Callable[[int], float] = lambda place: 0.0,
    ) -> Sifted:
        """Number the next lines and return what may be told in them.

        Args:
            streams, texts: of each line, as the container wrote it.
            moment: tells the time of the line at a place in `texts`.
        """
        places: Sequence[int] = range(len(texts))
        if b"\r" in b"".join(texts) or max(map(len, texts), default=0) > MAX_LINE:
            shown = [(at, piece.encode()) for at, text in enumerate(texts) for piece in shown_lines(text)]
            places, texts = [at for at, _ in shown], [piece for _, piece in shown]
            streams = [streams[at] for at in places]
        found: list[tuple[int, str]] = []
        for stream in set(streams):
            own: Sequence[int] = range(len(texts))
            if streams.count(stream) < len(streams):
                own = [at for at, each in enumerate(streams) if each == stream]
            found += ((own[at], before) for at, before in self._pick(stream, [texts[at] for at in own]))
        first, self._number = self._number, self._number + len(texts)
        telling = (
            (
                LogLine(
                    self._source,
                    first + at,
                    streams[at],
                    moment(places[at]),
                    texts[at].decode("utf-8", "replace"),
                ),
                before,
            )
            for at, before in sorted(found)
        )
        return Sifted(len(texts), sum(map(len, texts)), tuple(telling))

    def _pick(self, stream: Stream, texts: Sequence[bytes]) -> Iterator[tuple[int, str]]:
        """Yield the places of the lines that a sign touches or is close to, and what stood before each."""
        tail = self._tails.get(stream, "")
        self._tails[stream] = _ending(tail, texts, len(texts))
        visible, joined = texts, b"".join(texts)
        if b"\x1b" in joined:  # colours may stand in the middle of a word
            visible = [_visible(text).encode() if b"\x1b" in text else text for text in texts]
            joined = b"".join(visible)
        head = tail.encode()
        data = head + joined
        signs = [sign.start() for sign in _SIGN.finditer(data)]
        if not signs:
            return
        begins = list(accumulate(map(len, visible[:-1]), initial=len(head)))
        reach = REACH if data.isascii() else _WIDEST * REACH
        done = 0
        for sign in signs:  # from left to right
            first, stop = bisect_right(begins, sign) - 1, bisect_right(begins, sign + reach)
            for at in range(max(first, done), stop):
                if visible[at]:  # in an empty line nothing begins or ends
                    yield at, _ending(tail, texts, at)
            done = max(done, stop)


def _ending(tail: str, texts: Sequence[bytes], stop: int) -> str:
    """Return the last characters of `tail` and the lines before `stop`, as far as a phrase may reach."""
    ending = ""
    while stop > 0 and len(ending) < REACH:
        stop -= 1
        ending = _visible(texts[stop]) + ending
    return (tail + ending)[-REACH:]


def _visible(text: bytes) -> str:
    return without_colours(text.decode("utf-8", "replace"))
