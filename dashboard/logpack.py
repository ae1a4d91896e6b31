"""A log as compressed bytes and back, exactly: what the history keeps of a source's lines.

A part of a log is a Parquet file: columns of numbers, streams, times and texts, compressed with zstd. It can
be searched as it is, by RE2, without making a Python object of every line: `benchmarks history` shows the
figures. UTF-8 cannot hold every string of Python's, half a character among them: what it refuses stands as
bytes in a column of its own, which is empty in nearly every log.

pyarrow is imported where it is used: a command that keeps no log need not wait for it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dashboard.evidence import LogLine

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types

__all__ = ["LogPattern", "PatternError", "matches", "pack", "pack_parts", "unpack"]

PART_LINES: Final = 20_000
PART_CHARS: Final = 4 * 1024 * 1024
"""A part ends where one of the two is reached: whoever searches a log holds one part of it in memory."""


class PatternError(ValueError):
    """The text is no pattern of RE2. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class LogPattern:
    """What to look for in lines: a pattern of RE2, whose time grows with the text alone, or plain text.

    Raises:
        PatternError: it is no pattern.
    """

    text: str
    plain: bool = False
    ignore_case: bool = True

    def __post_init__(self) -> None:
        if self.plain:
            return
        import re2  # type: ignore[import-untyped]  # it ships no types

        options = re2.Options()
        options.log_errors = False
        try:
            re2.compile(self.text, options)
        except re2.error as error:
            said = error.args[0].decode() if isinstance(error.args[0], bytes) else error
            raise PatternError(
                f"{self.text!r} is no pattern of RE2 ({said}). Its syntax knows no look-around and no \\1."
            ) from error


def pack(lines: Iterable[LogLine]) -> bytes:
    """Return the bytes of the lines."""
    import pyarrow as pa
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it ships no types

    kept = list(lines)
    odd = {place: line.text for place, line in enumerate(kept) if not _is_text(line.text)}
    told = [
        line.text.encode("utf-8", "replace").decode() if place in odd else line.text
        for place, line in enumerate(kept)
    ]
    raw = [
        odd[place].encode("utf-8", "surrogatepass") if place in odd else None for place in range(len(kept))
    ]
    table = pa.table(
        {
            "number": pa.array([line.number for line in kept], pa.int64()),
            "stream": pa.array([line.stream for line in kept], pa.string()),
            "time": pa.array([line.time for line in kept], pa.float64()),
            "text": pa.array(told, pa.string()),
            "raw": pa.array(raw, pa.binary()),
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", use_dictionary=["stream"], write_statistics=False)
    return file.getvalue()


def pack_parts(lines: Iterable[LogLine]) -> Iterator[tuple[bytes, int]]:
    """Yield the bytes of each part of a log, and how many lines it holds; one part at the least."""
    part: list[LogLine] = []
    chars, made = 0, False
    for line in lines:
        if part and (len(part) >= PART_LINES or chars + len(line.text) > PART_CHARS):
            yield pack(part), len(part)
            part, chars, made = [], 0, True
        part.append(line)
        chars += len(line.text)
    if part or not made:
        yield pack(part), len(part)


def unpack(source: str, packed: bytes) -> tuple[LogLine, ...]:
    """Return the lines that `pack` was given.

    Raises:
        ValueError: the bytes were not made by `pack`, or are damaged.
    """
    return _lines(source, _read(packed))


def matches(source: str, packed: bytes, pattern: LogPattern, limit: int | None = None) -> tuple[LogLine, ...]:
    """Return the lines of a part that match, the first `limit` of them at the most.

    Raises:
        ValueError: the bytes were not made by `pack`, or are damaged.
    """
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no types

    table = _read(packed)
    look = pc.match_substring if pattern.plain else pc.match_substring_regex
    found = table.filter(look(table["text"], pattern.text, ignore_case=pattern.ignore_case))
    return _lines(source, found if limit is None else found.slice(0, limit))


def _read(packed: bytes) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Its own threads would not pay for parts as small as these
        return pq.ParquetFile(pa.BufferReader(packed)).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error).strip().splitlines()[0].rstrip(".")) from error


def _lines(source: str, table: pa.Table) -> tuple[LogLine, ...]:
    columns: list[list[Any]] = [
        table[name].to_pylist() for name in ("number", "stream", "time", "text", "raw")
    ]
    return tuple(
        LogLine(source, number, stream, time, text if raw is None else raw.decode("utf-8", "surrogatepass"))
        for number, stream, time, text, raw in zip(*columns, strict=True)
    )


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
