"""The tables of the run history, in portable SQL: what `store` and its neighbours read and write.

    runs 1 --- 1 records           small columns to list and search by; the whole record as JSON
         1 --- * run_tags          what operators call it
         1 --- * logs 1 --- * log_parts    one row for each source of its log; its lines in parts
    sweeps                         one row for each sweep: its plan, and what its runs came to
    actions                        who did what, when, with what outcome
    upkeep                         when something was last seen to, by whichever console did it

Nothing here is SQLite's own, so that the same history can live in PostgreSQL. Tables are made and changed
by `migrations` alone; a test holds that what they make is what stands here.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = [
    "REVISION",
    "actions",
    "log_parts",
    "logs",
    "metadata",
    "records",
    "run_tags",
    "runs",
    "schema_version",
    "sweeps",
    "upkeep",
]

REVISION: Final = "0005"
"""The newest of `migrations.versions`; it stands here so that only a history that is older needs Alembic."""

# Every constraint has a name that follows from its columns, so that a migration can drop it by name on any
# database.
metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

runs: Final = Table(
    "runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("created_at", Double, nullable=False),  # Unix seconds, as everywhere in the console
    Column("finished_at", Double),
    Column("status", String(16), nullable=False),
    Column("verdict", String(16)),
    Column("target", Text, nullable=False),
    Column("guard", String(32), nullable=False),
    Column("jobs", Integer, nullable=False),
    Column("variants_per_job", Integer, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("load_started", Integer),
    Column("owner", Text, nullable=False),  # the console process that runs it, see `dashboard.owner`
    Column("latency_p95_s", Double),
    Column("words", Text, nullable=False, server_default=""),  # folded, to be searched: `run_index.words_of`
    Column("note", Text, nullable=False, server_default=""),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),  # of its record, without its logs
    Column("seen_at", Double),  # when its owner last said that it lives, by the database's clock
    Column("abort_by", Text),  # who has asked its owner, from another process, to end it
    Index(None, "created_at", "run_id"),
    Index(None, "status"),
)

# Apart from the small columns: SQLite would walk a record's pages for every column behind it.
records: Final = Table(
    "records",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("document", Text, nullable=False),
    Column("live", Text),  # the trial under way, as far as it was seen; see `Store.save_live`
)

run_tags: Final = Table(
    "run_tags",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(40), primary_key=True),
    Index(None, "tag"),
)

logs: Final = Table(
    "logs",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("source", String(255), primary_key=True),
    Column("position", Integer, nullable=False),  # order in which the run's sources were saved
    Column("line_count", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
)

log_parts: Final = Table(
    "log_parts",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("source", String(255), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),  # from 0, in the order of the lines
    Column("line_count", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),  # see `dashboard.logpack`
    ForeignKeyConstraint(["run_id", "source"], ["logs.run_id", "logs.source"], ondelete="CASCADE"),
)

sweeps: Final = Table(
    "sweeps",
    metadata,
    Column("sweep_id", String(64), primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("document", Text, nullable=False),  # see `dashboard.sweep`; its runs are rows of their own
    Column("status", String(16), nullable=False, server_default="finished"),
    Column("owner", Text, nullable=False, server_default=""),  # as of runs
    Column("seen_at", Double),
    Index(None, "created_at"),
    Index(None, "status"),
)

actions: Final = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("time", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    # No foreign key: an action that was refused belongs to a run that never was.
    Column("run_id", String(64)),
    Index(None, "run_id"),
)

upkeep: Final = Table(
    "upkeep",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("at", Double, nullable=False),  # by the database's clock
)

# How a history told its version before Alembic did. Kept for the programs of that time, which look here and
# then say that the history is newer than they are; nobody else reads it.
schema_version: Final = Table(
    "schema_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("version", Integer, nullable=False),
    Column("checked_at", Double),
)
