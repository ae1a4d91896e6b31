"""Cuts what an engine sends of a log into records: one write of a container, its stream and its time.

    without a terminal   | stream | length |2026-11-23T07:10:47.123456789Z text\n|  … frame after frame
    with one             2026-11-23T07:10:47.123456789Z text\r\n                    … both streams in one

A line over 16 KiB comes in pieces that share one stamp, only the last with a newline: they are joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from dashboard.engine.stamps import nanoseconds
from dashboard.evidence import Stream

__all__ = ["FrameCutter", "LineCutter", "Record"]

_HEADER: Final = Struct(">BxxxL")
_STREAMS: Final[dict[int, Stream]] = {0: "stdout", 1: "stdout", 2: "stderr"}
_ENGINE_SPEAKS: Final = 3  # the engine's own error, in the middle of a log
_PIECE: Final = 16 * 1024
_MOST: Final = 1024 * 1024
"""Bytes of one joined record: a writer without newlines must not fill the memory."""


class Record(NamedTuple):
    """One line as the container wrote it.

    Attributes:
        nanos: when the engine received it, since 1970; None where no stamp was asked for or found.
        text: without its newline and its stamp.
    """

    stream: Stream
    nanos: int | None
    text: bytes


class FrameCutter:
    """Cuts the framed log of a container without a terminal. For one reader."""

    def __init__(self, *, stamped: bool = True) -> None:
        self._stamped = stamped
        self._rest = b""
        self._pieces: dict[Stream, list[bytes]] = {}
        self.complaint: str | None = None
        """What the engine itself said in the middle of the log: that it cannot read on."""

    def feed(self, block: bytes) -> Iterator[Record]:
        """Yield the records that `block` completes."""
        data = self._rest + block if self._rest else block
        at, end = 0, len(data)
        while at + 8 <= end:
            kind, length = _HEADER.unpack_from(data, at)
            if at + 8 + length > end:
                break
            body = data[at + 8 : at + 8 + length]
            at += 8 + length
            if kind == _ENGINE_SPEAKS:
                self.complaint = body.decode("utf-8", "replace").strip()
                continue
            stream = _STREAMS.get(kind, "stdout")
            if stream in self._pieces or not body.endswith(b"\n"):
                yield from self._join(stream, body)
            else:
                yield self._record(stream, body[:-1])
        self._rest = data[at:]

    @property
    def torn(self) -> bool:
        """Whether what has come so far ends in the middle of a frame."""
        return bool(self._rest)

    def finish(self) -> Iterator[Record]:
        """Yield what is left at the end: a last line without a newline."""
        for stream, pieces in self._pieces.items():
            yield self._record(stream, b"".join(pieces))
        self._pieces, self._rest = {}, b""

    def _join(self, stream: Stream, body: bytes) -> Iterator[Record]:
        """Add a piece to the line that its stream has begun; a piece with another stamp begins the next."""
        pieces = self._pieces.setdefault(stream, [])
        if pieces and self._stamped:
            stamp, _, _ = pieces[0].partition(b" ")
            if not body.startswith(stamp + b" "):
                yield self._record(stream, b"".join(pieces))
                pieces.clear()
            else:
                body = body[len(stamp) + 1 :]
        whole = body.endswith(b"\n")
        if sum(map(len, pieces)) >= _MOST:  # cut, and nothing of it lost
            yield self._record(stream, b"".join(pieces))
            stamp, space, _ = pieces[0].partition(b" ") if self._stamped else (b"", b"", b"")
            pieces[:] = [stamp + space]
        pieces.append(body[:-1] if whole else body)
        if whole:
            del self._pieces[stream]
            yield self._record(stream, b"".join(pieces))

    def _record(self, stream: Stream, body: bytes) -> Record:
        return _record(stream, body) if self._stamped else Record(stream, None, body)


class LineCutter:
    """Cuts the plain log of a container with a terminal, where all is one stream. For one reader."""

    complaint: Final = None
    torn: Final = False  # without frames nobody can tell

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, block: bytes) -> Iterator[Record]:
        """Yield the records that `block` completes."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            yield _of_terminal(line)
        if len(self._rest) > _MOST:  # cut, and nothing of it lost
            stamp, space, _ = self._rest.partition(b" ")
            yield _of_terminal(self._rest)
            self._rest = stamp + space

    def finish(self) -> Iterator[Record]:
        """Yield what is left at the end: a last line without a newline."""
        if self._rest:
            yield _of_terminal(self._rest)
        self._rest = b""


def _record(stream: Stream, body: bytes) -> Record:
    stamp, space, text = body.partition(b" ")
    nanos = nanoseconds(stamp.decode("ascii", "replace")) if len(stamp) <= 35 else None
    return Record(stream, None, body) if nanos is None else Record(stream, nanos, text if space else b"")


def _of_terminal(line: bytes) -> Record:
    line = line.removesuffix(b"\r")
    record = _record("stdout", line)
    if len(line) <= _PIECE or record.nanos is None:
        return record
    # Pieces follow each other without a newline: their stamps stand in the middle of the line
    stamp, _, text = line.partition(b" ")
    return record._replace(text=text.replace(stamp + b" ", b""))
