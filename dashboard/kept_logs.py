"""The logs of runs in the history: saved whole, or added to while a run goes on; read and searched in parts.

Every function works within the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, String, bindparam, delete, func, insert, select
from sqlalchemy import and_ as all_of
from sqlalchemy import update as change

from dashboard.evidence import LogLine
from dashboard.logpack import pack, pack_parts, unpack
from dashboard.tables import log_parts, logs

__all__ = [
    "add_lines",
    "drop_lines",
    "newest_line",
    "part_keys",
    "part_lines",
    "read_lines",
    "replace_lines",
    "source_names",
]


def replace_lines(connection: Connection, run_id: str, source: str, lines: Iterable[LogLine]) -> None:
    """Keep the log of a source, in the place of what was kept before.

    Raises:
        IntegrityError: there is no such run.
    """
    _make_row(connection, run_id, source)
    connection.execute(delete(log_parts).where(_parts(run_id, source)))
    total, size = 0, 0
    for part, (packed, count) in enumerate(pack_parts(lines)):
        _put(connection, run_id, source, part, packed, count)
        total, size = total + count, size + len(packed)
    connection.execute(change(logs).where(_log(run_id, source)).values(line_count=total, size_bytes=size))


def add_lines(connection: Connection, run_id: str, source: str, lines: Iterable[LogLine]) -> None:
    """Add lines to what is kept of a source.

    Raises:
        IntegrityError: there is no such run.
    """
    kept = list(lines)
    _make_row(connection, run_id, source)
    next_part = select(func.coalesce(func.max(log_parts.c.part) + 1, 0)).where(_parts(run_id, source))
    packed = pack(kept)
    _put(connection, run_id, source, connection.scalar(next_part) or 0, packed, len(kept))
    grown = {
        "line_count": logs.c.line_count + len(kept),
        "size_bytes": logs.c.size_bytes + len(packed),
    }
    connection.execute(change(logs).where(_log(run_id, source)).values(grown))


def drop_lines(connection: Connection, run_id: str, source: str) -> None:
    """Forget the log of a source."""
    connection.execute(delete(logs).where(_log(run_id, source)))


def read_lines(connection: Connection, run_id: str, source: str) -> tuple[LogLine, ...]:
    """Return what is kept of a source.

    Raises:
        ValueError: it is damaged.
    """
    query = select(log_parts.c.lines).where(_parts(run_id, source)).order_by(log_parts.c.part)
    return tuple(line for packed in connection.scalars(query) for line in unpack(source, bytes(packed)))


def newest_line(connection: Connection, run_id: str, source: str) -> int:
    """Return the number of the newest line that is kept of a source; -1 where there is none.

    Raises:
        ValueError: it is damaged.
    """
    query = select(log_parts.c.lines).where(_parts(run_id, source)).order_by(log_parts.c.part.desc())
    newest = connection.scalars(query.limit(1)).first()
    lines = () if newest is None else unpack(source, bytes(newest))
    return lines[-1].number if lines else -1


def source_names(connection: Connection, run_id: str) -> tuple[str, ...]:
    """Return the sources of which a log is kept, in the order in which they were first saved."""
    query = select(logs.c.source).where(logs.c.run_id == run_id).order_by(logs.c.position, logs.c.source)
    return tuple(connection.scalars(query))


# Built once: a search through all runs asks them a thousand times
_RUN: Final = bindparam("run", type_=String)
_SOURCE: Final = bindparam("of", type_=String)
_PART: Final = bindparam("number", type_=Integer)
_KEYS: Final = (
    select(log_parts.c.source, log_parts.c.part)
    .join(logs, all_of(logs.c.run_id == log_parts.c.run_id, logs.c.source == log_parts.c.source))
    .where(logs.c.run_id == _RUN)
    .order_by(logs.c.position, logs.c.source, log_parts.c.part)
)
_LINES: Final = select(log_parts.c.lines).where(
    log_parts.c.run_id == _RUN, log_parts.c.source == _SOURCE, log_parts.c.part == _PART
)


def part_keys(connection: Connection, run_id: str) -> list[tuple[str, int]]:
    """Return the source and the number of each part of a run's logs, in order."""
    return [(source, part) for source, part in connection.execute(_KEYS, {"run": run_id})]


def part_lines(connection: Connection, run_id: str, source: str, part: int) -> bytes | None:
    """Return the packed lines of one part; None when it has gone since."""
    packed = connection.scalar(_LINES, {"run": run_id, "of": source, "number": part})
    return None if packed is None else bytes(packed)


def _make_row(connection: Connection, run_id: str, source: str) -> None:
    # A write even where there is a row: see `Store.writing`
    values: dict[str, Any] = {"line_count": logs.c.line_count}
    if connection.execute(change(logs).where(_log(run_id, source)).values(values)).rowcount:
        return
    position = select(func.count()).select_from(logs).where(logs.c.run_id == run_id).scalar_subquery()
    row = {"run_id": run_id, "source": source, "position": position, "line_count": 0, "size_bytes": 0}
    connection.execute(insert(logs).values(row))


def _put(connection: Connection, run_id: str, source: str, part: int, packed: bytes, count: int) -> None:
    row = {"run_id": run_id, "source": source, "part": part, "line_count": count, "lines": packed}
    connection.execute(insert(log_parts).values(row))


def _log(run_id: str, source: str) -> ColumnElement[bool]:
    return all_of(logs.c.run_id == run_id, logs.c.source == source)


def _parts(run_id: str, source: str) -> ColumnElement[bool]:
    return all_of(log_parts.c.run_id == run_id, log_parts.c.source == source)
