"""Cuts what an engine sends of a log into records: one write of a container, its stream and its time.

    without a terminal   | stream | length |2026-11-23T07:10:47.123456789Z text\n|  … frame after frame
    with one             2026-11-23T07:10:47.123456789Z text\r\n                    … both streams in one

A line over 16 KiB comes in pieces that share one stamp, only the last with a newline: they are joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap
from struct import Struct
from typing import Final, NamedTuple

from dashboard.engine.stamps import nanoseconds
from dashboard.evidence import Stream

__all__ = ["FrameCutter", "LineCutter", "Raw", "Record"]

Raw = tuple[Stream, bytes]
"""A line that nobody has looked into yet: its stream, and its stamp with its text."""

_HEADER: Final = Struct(">BxxxL")
_STREAMS: Final[dict[int, Stream]] = {0: "stdout", 1: "stdout", 2: "stderr"}
_ENGINE_SPEAKS: Final = 3  # the engine's own error, in the middle of a log
_NEWLINE: Final = 0x0A
_PIECE: Final = 16 * 1024
_MOST: Final = 1024 * 1024
"""Bytes of one joined record: a writer without newlines must not fill the memory."""


class Record(NamedTuple):
    """One line as the container wrote it.

    Attributes:
        nanos: when the engine received it, since 1970; None where no stamp was found.
        text: without its newline and its stamp.
    """

    stream: Stream
    nanos: int | None
    text: bytes


class FrameCutter:
    """Cuts the framed log of a container without a terminal. For one reader."""

    def __init__(self) -> None:
        self._rest = b""
        self._pieces: dict[Stream, list[bytes]] = {}
        self.complaint: str | None = None
        """What the engine itself said in the middle of the log: that it cannot read on."""

    def feed(self, block: bytes) -> Iterator[Record]:
        """Yield the records that `block` completes."""
        return starmap(self.read, self.cut(block))

    def cut(self, block: bytes) -> list[Raw]:
        """As `feed`, but without a look into them, which takes most of the time."""
        data = self._rest + block if self._rest else block
        found: list[Raw] = []
        # Names of its own: half a million turns of this loop are what a long log costs
        unpack, append, begun = _HEADER.unpack_from, found.append, self._pieces
        at, last = 0, len(data) - 8
        while at <= last:
            kind, length = unpack(data, at)
            begin = at + 8
            if begin + length > last + 8:
                break
            at = begin + length
            if kind == _ENGINE_SPEAKS:
                self.complaint = data[begin:at].decode("utf-8", "replace").strip()
            elif begun or data[at - 1] != _NEWLINE or not length:
                found += self._join(_STREAMS.get(kind, "stdout"), data[begin:at])
            else:
                append(("stderr" if kind == 2 else "stdout", data[begin : at - 1]))
        self._rest = data[at:]
        return found

    @staticmethod
    def read(stream: Stream, body: bytes) -> Record:
        """Look into what was cut."""
        stamp, space, text = body.partition(b" ")
        nanos = nanoseconds(stamp.decode("ascii", "replace")) if len(stamp) <= 35 else None
        return Record(stream, None, body) if nanos is None else Record(stream, nanos, text if space else b"")

    @property
    def torn(self) -> bool:
        """Whether what has come so far ends in the middle of a frame."""
        return bool(self._rest)

    def finish(self) -> Iterator[Record]:
        """Yield what is left at the end: a last line without a newline."""
        return starmap(self.read, self.rest())

    def rest(self) -> list[Raw]:
        """As `finish`, without a look into it."""
        left = [(stream, b"".join(pieces)) for stream, pieces in self._pieces.items()]
        self._pieces, self._rest = {}, b""
        return left

    def _join(self, stream: Stream, body: bytes) -> Iterator[Raw]:
        """Add a piece to the line that its stream has begun; a piece with another stamp begins the next."""
        whole = body.endswith(b"\n")
        if whole and stream not in self._pieces:
            yield stream, body[:-1]
            return
        pieces = self._pieces.setdefault(stream, [])
        if pieces:
            stamp, _, _ = pieces[0].partition(b" ")
            if not body.startswith(stamp + b" "):
                yield stream, b"".join(pieces)
                pieces.clear()
            else:
                body = body[len(stamp) + 1 :]
        if sum(map(len, pieces)) >= _MOST:  # cut, and nothing of it lost
            yield stream, b"".join(pieces)
            stamp, space, _ = pieces[0].partition(b" ")
            pieces[:] = [stamp + space]
        pieces.append(body[:-1] if whole else body)
        if whole:
            del self._pieces[stream]
            yield stream, b"".join(pieces)


class LineCutter:
    """Cuts the plain log of a container with a terminal, where all is one stream. For one reader."""

    complaint: Final = None
    torn: Final = False  # without frames nobody can tell

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, block: bytes) -> Iterator[Record]:
        """Yield the records that `block` completes."""
        return starmap(self.read, self.cut(block))

    def cut(self, block: bytes) -> list[Raw]:
        """As `FrameCutter.cut`."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        if len(self._rest) > _MOST:  # cut, and nothing of it lost
            stamp, space, _ = self._rest.partition(b" ")
            lines.append(self._rest)
            self._rest = stamp + space
        return [("stdout", _of_terminal(line)) for line in lines]

    read = staticmethod(FrameCutter.read)

    def finish(self) -> Iterator[Record]:
        """Yield what is left at the end: a last line without a newline."""
        return starmap(self.read, self.rest())

    def rest(self) -> list[Raw]:
        """As `FrameCutter.rest`."""
        rest, self._rest = _of_terminal(self._rest), b""
        return [("stdout", rest)] if rest else []


def _of_terminal(line: bytes) -> bytes:
    line = line.removesuffix(b"\r")
    if len(line) <= _PIECE:
        return line
    # Pieces follow each other without a newline: their stamps stand in the middle of the line
    stamp, space, text = line.partition(b" ")
    if nanoseconds(stamp.decode("ascii", "replace")) is None:
        return line
    return stamp + space + text.replace(stamp + space, b"")
