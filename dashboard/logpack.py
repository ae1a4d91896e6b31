"""A log as compressed bytes and back, exactly: what the history keeps of a source's lines.

One JSON array per line, `[number, stream, time, text]`, all of them compressed together. JSON with ASCII
escapes keeps every character that a Python string can hold, and `repr` of a float keeps every bit.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable

from dashboard.evidence import LogLine

__all__ = ["pack", "unpack"]


def pack(lines: Iterable[LogLine]) -> tuple[bytes, int]:
    """Return the bytes of the lines and how many there were."""
    squeeze = zlib.compressobj(level=3)  # 200,000 lines must not hold up the end of a run
    encode = json.JSONEncoder(separators=(",", ":")).encode
    pieces: list[bytes] = []
    count = 0
    for line in lines:
        text = encode((line.number, line.stream, line.time, line.text)) + "\n"
        pieces.append(squeeze.compress(text.encode("ascii")))
        count += 1
    return b"".join([*pieces, squeeze.flush()]), count


def unpack(source: str, packed: bytes) -> tuple[LogLine, ...]:
    """Return the lines that `pack` was given.

    Raises:
        ValueError: the bytes were not made by `pack`, or are damaged.
    """
    try:
        text = zlib.decompress(packed).decode("ascii")
        return tuple(LogLine(source, *json.loads(row)) for row in text.splitlines())
    except (zlib.error, TypeError) as error:
        raise ValueError(str(error)) from error
