"""Picks out of a log the lines that may tell of a load, many lines at a time; the others are never decoded.

    block of a file --as it is----------+
    lines ------------joined by streams-+--> signs found in the bytes --> the lines near them --> Timeline

RE2 goes through a block of lines in the time in which Python could look at a handful of them. A little too
much is picked, never too little: a phrase may begin in one line and end in another. The expressions of a
user's own profile are signs, too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from typing import Final, NamedTuple

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

from dashboard.evidence import LogLine, Stream
from dashboard.logs import MAX_LINE, shown_lines
from dashboard.profiles import ERRORS, SIGNS, Pattern, Profile, torn, without_colours
from dashboard.strangers import REACH

__all__ = ["Sieve", "Sifted"]


def _any_case(expression: bytes) -> re.Pattern[bytes]:
    options = re2.Options()
    options.encoding, options.case_sensitive = re2.Options.Encoding.LATIN1, False
    compiled: re.Pattern[bytes] = re2.compile(expression, options)
    return compiled


_SIGNS: Final = b"|".join([b"event=", *SIGNS.values(), *ERRORS.values()])
_SIGN: Final = _any_case(_SIGNS)
_TORN_SIGN: Final = _any_case(torn(_SIGNS))
_WIDEST: Final = 4  # bytes of a character
_AHEAD: Final = 3  # blocks in which signs are looked for before they are asked for
_THREADS: Final = 2
_CONTINUED: Final = bytes(range(0x80, 0xC0))
_BEFORE: Final = _WIDEST * (REACH + 1)


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


def _any_of(patterns: Iterable[Pattern], flags: bytes) -> re.Pattern[bytes]:
    """Join a user's expressions into one; it finds nothing if there are none."""
    options = re2.Options()
    options.case_sensitive = False
    texts = [b"(?:%b)" % each.expression.pattern for each in patterns] or [rb"[^\x00-\x{10ffff}]"]
    joined: re.Pattern[bytes] = re2.compile(flags + b"|".join(texts), options)
    return joined


def _whole(data: bytes) -> bytes:
    """Return `data` as it is shown: bytes that are no UTF-8 become U+FFFD."""
    return data if data.isascii() else data.decode("utf-8", "replace").encode()


class _Window(NamedTuple):
    """A block with what stood before it, up to the place `start`."""

    data: bytes
    start: int


class Sieve:
    """Sifts the log of one source, from its first line on. For one reader.

    Args:
        profile: whose expressions are to be found besides the built-in ones.
    """

    def __init__(self, source: str, profile: Profile | str | None = None) -> None:
        self._source = source
        self._number = 0
        self._tails: dict[Stream, str] = {}
        self._own = _OwnSigns(profile) if isinstance(profile, Profile) and profile.own else None

    def sift_blocks(self, blocks: Iterable[bytes], stream: Stream = "stdout") -> Iterator[Sifted]:
        """Sift a log that comes in blocks, as `sift_block` does, and look for signs some blocks ahead.

        Threading: RE2 needs no lock of Python's, so it runs on threads beside the caller's, which does all
        else. Most logs are short and end before there is a thread.
        """
        blocks = iter(blocks)
        for block in islice(blocks, 1):
            yield self.sift_block(block, stream)
        for block in islice(blocks, 1):
            yield from self._sift_ahead(chain((block,), blocks), stream)

    def _sift_ahead(self, blocks: Iterable[bytes], stream: Stream) -> Iterator[Sifted]:
        from concurrent.futures import Future, ThreadPoolExecutor  # late: short logs need none

        ahead: deque[tuple[_Window, Future[list[int]]]] = deque()

        def taken(keep: int) -> Iterator[Sifted]:
            while len(ahead) > keep:
                window, signs = ahead.popleft()
                yield self._told(window, signs.result(), stream)

        with ThreadPoolExecutor(_THREADS, "sieve") as pool:
            for block in blocks:
                window = self._window(block, stream)
                if window is None:
                    yield from taken(keep=0)
                    yield self._sift_slowly(block, stream)
                else:
                    ahead.append((window, pool.submit(_sign_places, window.data)))
                    yield from taken(keep=_AHEAD)
            yield from taken(keep=0)

    def sift_block(self, block: bytes, stream: Stream = "stdout") -> Sifted:
        """Number the lines of `block` and return what may be told in them.

        It ends where a line does, without the newline; the block before has ended with one.
        """
        window = self._window(block, stream)
        if window is None:
            return self._sift_slowly(block, stream)
        return self._told(window, _sign_places(window.data), stream)

    def _sift_slowly(self, block: bytes, stream: Stream) -> Sifted:
        texts = block.split(b"\n")
        return self.sift([stream] * len(texts), texts)

    def _window(self, block: bytes, stream: Stream) -> _Window | None:
        """Put what stood before it in front of a block; None for one that must be looked at line by line."""
        plain = block.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in block else block
        longest = max(plain.find(b"\n"), len(plain) - plain.rfind(b"\n"))
        if self._own is not None or b"\r" in plain or b"\x1b" in plain or longest > MAX_LINE:
            return None
        head = self._tails.get(stream, "").encode()
        data = b"%b\n%b" % (head, plain)
        self._tails[stream] = _before(data, len(data))
        return _Window(data, len(head) + 1)

    def _told(self, window: _Window, signs: Iterable[int], stream: Stream) -> Sifted:
        data, start = window
        first, counted, number = self._number, start, 0
        telling = []
        for begin, end in _near_signs(data, start, signs):
            number, counted = number + data.count(b"\n", counted, begin), begin
            text = data[begin:end].decode("utf-8", "replace")
            line = LogLine(self._source, first + number, stream, 0.0, text)
            telling.append((line, _before(data, begin - 1)))
        count = number + data.count(b"\n", counted) + 1
        self._number += count
        return Sifted(count, len(data) - start - count + 1, tuple(telling))

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
        picked: set[int] = set()
        if self._own is not None:
            picked.update(self._own.touched(head, visible))
        signs = [sign.start() for sign in _SIGN.finditer(data)]
        begins = list(accumulate(map(len, visible[:-1]), initial=len(head))) if signs else []
        reach = _reach(data)
        done = 0
        for sign in signs:  # from left to right
            first, stop = bisect_right(begins, sign) - 1, bisect_right(begins, sign + reach)
            picked.update(range(max(first, done), stop))
            done = max(done, stop)
        for at in sorted(picked):
            if visible[at]:  # in an empty line nothing begins or ends
                yield at, _ending(tail, texts, at)


class _OwnSigns:
    """Where the expressions of a user's profile match, in many lines at once where they allow it."""

    def __init__(self, profile: Profile) -> None:
        self._blockwise = profile.blockwise
        self._in_lines = _any_of(profile.own, b"(?m)")
        self._torn = _any_of((each for each in profile.own if each.tearable), b"")

    def touched(self, head: bytes, texts: Sequence[bytes]) -> Iterator[int]:
        """Yield the places of the lines that a match touches; `head` is what stood before the first."""
        if not self._blockwise:
            yield from range(len(texts))
            return
        begins = list(accumulate((len(text) + 1 for text in texts[:-1]), initial=0))
        for match in self._in_lines.finditer(_whole(b"\n".join(texts))):
            yield from range(bisect_right(begins, match.start()) - 1, bisect_right(begins, match.end()))
        begins = list(accumulate(map(len, texts[:-1]), initial=len(head)))
        for match in self._torn.finditer(_whole(head + b"".join(texts))):
            first = bisect_right(begins, match.start()) - 1
            yield from range(max(first, 0), bisect_right(begins, match.end()))


def _ending(tail: str, texts: Sequence[bytes], stop: int) -> str:
    """Return the last characters of `tail` and the lines before `stop`, as far as a phrase may reach."""
    ending = ""
    while stop > 0 and len(ending) < REACH:
        stop -= 1
        ending = _visible(texts[stop]) + ending
    return (tail + ending)[-REACH:]


def _visible(text: bytes) -> str:
    return without_colours(text.decode("utf-8", "replace"))


def _reach(data: bytes) -> int:
    return REACH if data.isascii() else _WIDEST * REACH


def _sign_places(data: bytes) -> list[int]:
    return [sign.start() for sign in _TORN_SIGN.finditer(data)]


def _near_signs(data: bytes, start: int, signs: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the lines from place `start` on that a sign touches or is close to.

    Place `start` follows a newline; `signs` are the places of the signs, from left to right.
    """
    done = end = start  # the lines before the place `done` were looked at; the last of them ends at `end`
    for at in signs:
        if at >= done:
            begin, away = max(start, data.rfind(b"\n", 0, at) + 1), 0
        elif end - at > _WIDEST * REACH:
            continue  # the rest of its line is longer than a phrase reaches
        else:
            begin, away = done, _length(data[at:done])
        while begin <= len(data) and away <= REACH:
            end = data.find(b"\n", begin)
            end = len(data) if end < 0 else end
            if end > begin:  # in an empty line nothing begins or ends
                yield begin, end
            away += _length(data[max(begin, at) : end])
            begin = done = end + 1


def _length(data: bytes) -> int:
    """Return how many characters a few lines have, or more than a phrase reaches."""
    if len(data) > _WIDEST * REACH:
        data = data.replace(b"\n", b"")[: _WIDEST * REACH + 1]
    return len(data.replace(b"\n", b"").decode("utf-8", "replace"))


def _before(data: bytes, stop: int) -> str:
    """Return the last characters before the place `stop`, where a line ends, as far as a phrase may reach."""
    size = _BEFORE
    while True:
        piece = data[max(0, stop - size) : stop]
        if size >= stop or len(piece) - piece.count(b"\n") >= _BEFORE:
            break
        size *= 4
    if size < stop:  # it may begin in the middle of a character
        piece = piece[: _WIDEST - 1].lstrip(_CONTINUED) + piece[_WIDEST - 1 :]
    with suppress(UnicodeDecodeError):
        return piece.decode().replace("\n", "")[-REACH:]
    # Line by line: a character that a line's end tore in two is shown as two that are none
    return "".join(part.decode("utf-8", "replace") for part in piece.split(b"\n"))[-REACH:]
