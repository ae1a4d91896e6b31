"""Which process makes a sweep, and whether it goes on: so that one that was cut between two runs is seen."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the columns, and fill in which sweeps were running when they were last kept."""
    for column in (
        sa.Column("status", sa.String(16), nullable=False, server_default="finished"),
        sa.Column("owner", sa.Text, nullable=False, server_default=""),
        sa.Column("seen_at", sa.Double),
    ):
        op.add_column("sweeps", column)
    op.create_index(None, "sweeps", ["status"])
    sweeps = sa.table("sweeps", *map(sa.column, ("sweep_id", "created_at", "document", "status", "seen_at")))
    connection = op.get_bind()
    for sweep_id, document in connection.execute(sa.select(sweeps.c.sweep_id, sweeps.c.document)).all():
        if _is_running(document):
            # Nobody knows whose it is: without a word for so long, it is nobody's
            values = {"status": "running", "seen_at": sweeps.c.created_at}
            connection.execute(sa.update(sweeps).where(sweeps.c.sweep_id == sweep_id).values(values))


def _is_running(document: str) -> bool:
    try:
        sweep = json.loads(document)
    except ValueError:
        return False  # damaged: it is told when it is opened
    return isinstance(sweep, dict) and sweep.get("status") == "running"
