"""The latency beside the record, so that the list of runs can show it without opening any."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column, and fill it from the records."""
    op.add_column("runs", sa.Column("latency_p95_s", sa.Double))
    runs = sa.table("runs", sa.column("run_id"), sa.column("document"), sa.column("latency_p95_s"))
    connection = op.get_bind()
    for (run_id,) in connection.execute(sa.select(runs.c.run_id)).all():  # documents are large: one at a time
        document = connection.scalar(sa.select(runs.c.document).where(runs.c.run_id == run_id))
        p95 = _p95(document or "")
        if p95 is not None:
            connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(latency_p95_s=p95))


def _p95(document: str) -> float | None:
    try:
        return float(json.loads(document)["verdict"]["latency_s"]["p95"])
    except (ValueError, TypeError, KeyError):
        return None  # without a verdict, without an answer, or damaged
