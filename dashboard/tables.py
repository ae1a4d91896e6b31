"""The tables of the run history, in portable SQL: what `store` reads and writes.

    runs 1 --- * logs        one row per run, one per source of its log
    sweeps                   one row for each sweep: its plan, and what its runs came to
    actions                  who did what, when, with what outcome
    schema_version           one row: which of these layouts the database has

Nothing here is SQLite's own, so that the same history can live in PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.schema import CreateIndex, CreateTable

__all__ = [
    "SCHEMA_VERSION",
    "actions",
    "create_tables",
    "logs",
    "metadata",
    "runs",
    "schema_version",
    "sweeps",
]

SCHEMA_VERSION: Final = 3
"""Grows with every change of these tables; a migration takes a database from one to the next.

1: the first. 2: `runs.latency_p95_s`. 3: `sweeps`.
"""

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
    Column("latency_p95_s", Double),
    Column("owner", Text, nullable=False),  # the console process that runs it, see `dashboard.owner`
    # Last, so that a list of runs reads the small columns and never the pages of the documents.
    Column("document", Text, nullable=False),
    Index(None, "created_at", "run_id"),
    Index(None, "status"),
)

logs: Final = Table(
    "logs",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("source", String(255), primary_key=True),
    Column("position", Integer, nullable=False),  # order in which the run's sources were saved
    Column("line_count", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),  # see `dashboard.logpack`
)

sweeps: Final = Table(
    "sweeps",
    metadata,
    Column("sweep_id", String(64), primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("document", Text, nullable=False),  # see `dashboard.sweep`; its runs are rows of their own
    Index(None, "created_at"),
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

schema_version: Final = Table(
    "schema_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("version", Integer, nullable=False),
    Column("checked_at", Double),  # when somebody last made sure that the database can be written
)


def create_tables(connection: Connection) -> None:
    """Make what is missing. Two processes may do so at once: each statement stands alone and is harmless."""
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index, if_not_exists=True))
