"""The older lines of a log, on disk: what a ring has no more room for, to be read again by number.

    LogRing --its oldest lines--> block, block, block … | block, block …     (files, the oldest goes first)
                                  index: numbers -> file, place

The files have no name: they are gone when they are closed, and when the process ends, however it ends.
"""

from __future__ import annotations

import bisect
import json
import os
import tempfile
import threading
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final

from dashboard.evidence import LogLine

__all__ = ["MAX_BYTES", "Spool"]

MAX_BYTES: Final = 2 * 1024**3
"""What one log may take of the disk, compressed: tens of millions of lines. Then its oldest go."""
_FILES: Final = 8
"""Files of one log: an eighth of it goes at once."""
_BLOCK_LINES: Final = 500
_BLOCK_CHARS: Final = 256 * 1024
"""A reader unpacks whole blocks, so they are small."""


@dataclass(frozen=True, slots=True)
class _Block:
    file: IO[bytes]
    place: int
    size: int
    last: int


class Spool:
    """Lines of one source, written in the order of their numbers. Numbers may be missing between them.

    Args:
        folder: where the files are made; None is the system's folder for such. max_bytes: what they may take.

    Threading: any thread; a call blocks for as long as the disk takes.
    """

    def __init__(self, source: str, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._source, self._folder = source, folder
        self._file_bytes = max(1, max_bytes // _FILES)
        self._files: deque[IO[bytes]] = deque()
        self._end = 0  # of the newest file
        self._blocks: list[_Block] = []
        self._closed = False
        self._lock = threading.Lock()  # guards the files and the index, so that no reader meets a closed file

    def write(self, lines: Sequence[LogLine]) -> None:
        """Add lines. When it raises, those that were not written are lost, and the next ones can be added.

        Raises:
            OSError: the disk is full, or otherwise says no.
        """
        for block in _blocks(lines):
            packed = _packed(block)
            with self._lock:
                if self._closed:
                    return
                if not self._files or self._end >= self._file_bytes:
                    self._begin_file()
                self._append(packed, block[-1].number)

    def read(self, since: int, limit: int) -> list[LogLine]:
        """Return up to `limit` lines from number `since` on, or from the first one after it that is here."""
        found: list[LogLine] = []
        while len(found) < limit:
            with self._lock:
                at = bisect.bisect_left(self._blocks, since, key=lambda block: block.last)
                if self._closed or at == len(self._blocks):
                    break
                block = self._blocks[at]
                lines = self._unpacked(block)
            found += islice((line for line in lines if line.number >= since), limit - len(found))
            since = block.last + 1
        return found

    def close(self) -> None:
        """Give the disk back. Idempotent; nothing is written or found afterwards."""
        with self._lock:
            self._closed = True
            self._blocks.clear()
            while self._files:
                self._files.pop().close()

    def _begin_file(self) -> None:
        # Without a name, where the system can: nothing is left behind, whatever ends this process
        file = tempfile.TemporaryFile(dir=self._folder, prefix="loadonce-log-", buffering=0)  # noqa: SIM115
        self._files.append(file)
        self._end = 0
        if len(self._files) > _FILES:
            oldest = self._files.popleft()
            self._blocks = [block for block in self._blocks if block.file is not oldest]
            oldest.close()

    def _append(self, packed: bytes, last: int) -> None:
        file = self._files[-1]
        written = 0
        while written < len(packed):  # what a full disk has taken of a block is written over by the next one
            written += os.pwrite(file.fileno(), packed[written:], self._end + written)
        self._blocks.append(_Block(file, self._end, len(packed), last))
        self._end += len(packed)

    def _unpacked(self, block: _Block) -> tuple[LogLine, ...]:
        """The lines of a block; none of one that the disk does not give back, so that they count as lost."""
        try:
            packed = os.pread(block.file.fileno(), block.size, block.place)
            return tuple(LogLine(self._source, *row) for row in json.loads(zlib.decompress(packed)))
        except (OSError, ValueError, zlib.error):
            return ()


def _packed(lines: Sequence[LogLine]) -> bytes:
    # One call for all of them, and little effort: a container that floods must not take a core for itself
    rows = [(line.number, line.stream, line.time, line.text) for line in lines]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode("ascii"), 1)


def _blocks(lines: Sequence[LogLine]) -> Iterator[Sequence[LogLine]]:
    start = chars = 0
    for at, line in enumerate(lines):
        chars += len(line.text)
        if at - start + 1 == _BLOCK_LINES or chars >= _BLOCK_CHARS:
            yield lines[start : at + 1]
            start, chars = at + 1, 0
    if start < len(lines):
        yield lines[start:]
