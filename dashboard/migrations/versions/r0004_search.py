"""What it takes to search, tag and clear up: records and lines of logs in tables of their own.

The lines of each log become Parquet, which can be searched without making a Python object of every line.
"""

from __future__ import annotations

import io
import json
import zlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables, move what was kept into them, and fill the columns to search by."""
    _make_tables()
    _move_records()
    _move_logs()
    op.drop_column("runs", "document")
    op.drop_column("logs", "lines")
    versions = sa.table("schema_version", sa.column("id"), sa.column("version"))
    # For programs from before Alembic: they look here, and then leave the history alone.
    connection = op.get_bind()
    connection.execute(sa.delete(versions))
    connection.execute(sa.insert(versions).values(id=1, version=4))


def _make_tables() -> None:
    for column in (
        sa.Column("words", sa.Text, nullable=False, server_default=""),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("seen_at", sa.Double),
        sa.Column("abort_by", sa.Text),
    ):
        op.add_column("runs", column)
    op.create_table(
        "records",
        sa.Column(
            "run_id", sa.String(64), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("live", sa.Text),
    )
    op.create_table(
        "run_tags",
        sa.Column(
            "run_id", sa.String(64), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("tag", sa.String(40), primary_key=True),
    )
    op.create_index(None, "run_tags", ["tag"])
    op.add_column("logs", sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "log_parts",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("source", sa.String(255), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line_count", sa.Integer, nullable=False),
        sa.Column("lines", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["run_id", "source"], ["logs.run_id", "logs.source"], ondelete="CASCADE"),
    )
    op.create_table(
        "upkeep",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
    )


def _move_records() -> None:
    runs = sa.table(
        "runs",
        *map(sa.column, ("run_id", "target", "guard", "actor", "document", "words", "size_bytes")),
    )
    records = sa.table("records", sa.column("run_id"), sa.column("document"))
    connection = op.get_bind()
    rows = connection.execute(sa.select(runs.c.run_id, runs.c.target, runs.c.guard, runs.c.actor)).all()
    for run_id, *words in rows:
        document = connection.scalar(sa.select(runs.c.document).where(runs.c.run_id == run_id)) or ""
        connection.execute(sa.insert(records).values(run_id=run_id, document=document))
        found = " ".join((run_id, *words, *_told(document))).casefold()
        values = {"words": found, "size_bytes": len(document.encode("utf-8", "replace"))}
        connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(values))


def _told(document: str) -> list[str]:
    """The words of a record that may be searched for: its model and its versions."""
    try:
        record = json.loads(document)
        pairs = [f"{name} {version}" for name, version in dict(record.get("versions") or {}).items()]
        return [str(record["settings"].get("model") or ""), str(record.get("sweep") or ""), *pairs]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []  # damaged: it is found by its columns


def _move_logs() -> None:
    logs = sa.table("logs", *map(sa.column, ("run_id", "source", "line_count", "lines", "size_bytes")))
    parts = sa.table("log_parts", *map(sa.column, ("run_id", "source", "part", "line_count", "lines")))
    connection = op.get_bind()
    for run_id, source, count in connection.execute(
        sa.select(logs.c.run_id, logs.c.source, logs.c.line_count)
    ).all():
        key = sa.and_(logs.c.run_id == run_id, logs.c.source == source)
        packed = _repacked(bytes(connection.scalar(sa.select(logs.c.lines).where(key)) or b""))
        values = {"run_id": run_id, "source": source, "part": 0, "line_count": count, "lines": packed}
        connection.execute(sa.insert(parts).values(values))
        connection.execute(sa.update(logs).where(key).values(size_bytes=len(packed)))


def _repacked(packed: bytes) -> bytes:
    """The same lines as Parquet; bytes that hold none stay what they are, and are told when they are read."""
    # Late: a new history has no logs, and need not wait for the import
    import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it ships no types

    try:
        rows = [json.loads(row) for row in zlib.decompress(packed).decode("ascii").splitlines()]
        numbers, streams, times, texts = ([row[place] for row in rows] for place in range(4))
    except (zlib.error, ValueError, IndexError, TypeError):
        return packed
    told = [text.encode("utf-8", "replace").decode() for text in texts]
    raw = [
        None if text == odd else odd.encode("utf-8", "surrogatepass")
        for text, odd in zip(told, texts, strict=True)
    ]
    columns = {
        "number": pa.array(numbers, pa.int64()),
        "stream": pa.array(streams, pa.string()),
        "time": pa.array(times, pa.float64()),
        "text": pa.array(told, pa.string()),
        "raw": pa.array(raw, pa.binary()),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, compression="zstd", use_dictionary=["stream"])
    return file.getvalue()
