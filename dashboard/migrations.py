"""How the tables of an older Loadonce become today's: one step from each version to the next.

Each step is one transaction that begins by taking the version row: of several processes that start at once
one does the step, and the others wait for it and find nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy import update as change

from dashboard.tables import create_tables, runs, schema_version

__all__ = ["migrate"]


def migrate(engine: Engine) -> None:
    """Bring the database up to date. Blocks for as long as it takes to read every record once.

    Raises:
        SQLAlchemyError: the database fails; nothing of the step that failed was done.
    """
    for version, step in _STEPS.items():
        taken = (
            change(schema_version)
            .where(schema_version.c.id == 1, schema_version.c.version == version)
            .values(version=version + 1)
        )
        with engine.begin() as connection:
            if connection.execute(taken).rowcount:
                step(connection)


def _add_latency(connection: Connection) -> None:
    column = runs.c.latency_p95_s
    kind = column.type.compile(dialect=connection.dialect)
    connection.execute(text(f"ALTER TABLE {runs.name} ADD COLUMN {column.name} {kind}"))
    for (run_id,) in connection.execute(select(runs.c.run_id)).all():  # documents are large: one at a time
        document = connection.scalar(select(runs.c.document).where(runs.c.run_id == run_id))
        p95 = _p95(document or "")
        if p95 is not None:
            connection.execute(change(runs).where(runs.c.run_id == run_id).values(latency_p95_s=p95))


def _p95(document: str) -> float | None:
    try:
        return float(json.loads(document)["verdict"]["latency_s"]["p95"])
    except (ValueError, TypeError, KeyError):
        return None  # without a verdict, without an answer, or damaged


_STEPS: Final[Mapping[int, Callable[[Connection], None]]] = {1: _add_latency, 2: create_tables}
