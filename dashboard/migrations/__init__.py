"""How the tables of the run history are made, and how an older Loadonce's become today's: with Alembic.

    upgrade(engine) --takes the database for itself--> versions 0001 … REVISION, in one transaction

A new version is a file in `versions`, written by hand: it names the one before as `down_revision`, changes
tables with `alembic.op`, and never imports what may change after it. `tables.REVISION` then names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

__all__ = ["NotOurs", "config", "current", "newest", "upgrade"]

_HERE: Final = Path(__file__).resolve().parent
_LOCK: Final = 0x10AD_0CE0
"""Number of the lock that a process holds in PostgreSQL while it changes tables; any other would do."""
_BEFORE_ALEMBIC: Final = {1: "0001", 2: "0002", 3: "0003"}
"""`schema_version.version` of the programs before Alembic came, and the revision that is the same."""


class NotOurs(Exception):
    """A history that this program cannot bring up to date. Attributes: `version`, as it tells it itself."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.version: Final = version


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's own settings, for the versions of this package."""
    made = Config()
    made.set_main_option("script_location", str(_HERE).replace("%", "%%"))  # % begins a name there
    made.attributes["connection"] = connection
    return made


def newest() -> str | None:
    """Return the newest revision of this package."""
    return ScriptDirectory.from_config(config()).get_current_head()


def current(connection: Connection) -> str | None:
    """Return the revision of a database; None when Alembic has not been there."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Make the tables, or bring them up to date. Blocks for as long as it takes to read every record once.

    Of several processes that do so at once one works, and the others wait for it and find nothing to do. All
    is one transaction: whatever ends it in the middle leaves the database as it was.

    Raises:
        NotOurs: a newer version of this program made the database.
        SQLAlchemyError: the database fails; nothing was done.
    """
    with _alone(engine) as connection:
        found = current(connection)
        if found is None:
            _take_over(connection)
        elif found not in _revisions():
            raise NotOurs(found)
        command.upgrade(config(connection), "head")


def _revisions() -> set[str]:
    return {each.revision for each in ScriptDirectory.from_config(config()).walk_revisions()}


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction in which no other process changes the tables: what is read in it stays true."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # The driver itself would begin with the first row that is written, and not at all for tables
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            begin = "BEGIN IMMEDIATE"
        else:
            begin = f"SELECT pg_advisory_xact_lock({_LOCK})"
        with connection.begin():
            connection.exec_driver_sql(begin)
            yield connection


def _take_over(connection: Connection) -> None:
    """Say to Alembic where a history stands that was made before Alembic came; a new one stands nowhere."""
    inspector = inspect(connection)
    version = None
    if inspector.has_table("schema_version"):
        version = connection.scalar(text("SELECT version FROM schema_version WHERE id = 1"))
    if version is not None and version not in _BEFORE_ALEMBIC:
        raise NotOurs(str(version))
    if version is not None:
        command.stamp(config(connection), _BEFORE_ALEMBIC[version])
        return
    # The version was written last: whoever made these tables was killed at it, and nothing is in them.
    for table in ("logs", "runs", "sweeps", "actions", "schema_version"):
        if inspector.has_table(table):
            connection.execute(text(f"DROP TABLE {table}"))
