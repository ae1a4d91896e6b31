"""Opening the database of the run history: its URL, its engine, its tables.

The connect hook below is the one place that knows SQLite. Older tables are brought up to date by `prepare`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError

from dashboard.migrations import migrate
from dashboard.storefault import StoreError, database_file, database_name
from dashboard.tables import SCHEMA_VERSION, create_tables, schema_version

__all__ = ["make_engine", "prepare", "store_url"]


def store_url(home: Path) -> str:
    """Return where the history is: LOADONCE_DATABASE_URL, else `history.db` in the data folder."""
    url = os.environ.get("LOADONCE_DATABASE_URL", "").strip()
    return url or URL.create("sqlite", database=str(home / "history.db")).render_as_string()


def make_engine(url: str, lock_wait_s: float) -> Engine:
    """Return an engine for `url`; it connects later. `lock_wait_s` is how long SQLite waits for a lock.

    Raises:
        StoreError: the URL is not understood, names no file, or needs a driver that is not there.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # The text is not shown: it may hold a password, and cannot be taken apart to hide it.
        raise StoreError(
            "The database URL of the run history is not understood. Give one such as "
            "sqlite:////folder/history.db in LOADONCE_DATABASE_URL, or unset it."
        ) from error
    shown = parsed.render_as_string(hide_password=True)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and parsed.database in (None, "", ":memory:"):
        raise StoreError(
            f"The database URL {shown} names no file, so that nothing would be kept. Give one such as "
            "sqlite:////folder/history.db in LOADONCE_DATABASE_URL, or unset it."
        )
    try:
        engine = create_engine(parsed, connect_args={"timeout": lock_wait_s} if is_sqlite else {})
    except (NoSuchModuleError, ImportError) as error:
        raise StoreError(
            f"The run history at {shown} needs a database driver that is not installed ({error}). "
            "Install it, or unset LOADONCE_DATABASE_URL to keep the history in a SQLite file."
        ) from error
    if is_sqlite:
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def prepare(engine: Engine) -> None:
    """Make the folder, the tables and the version row where they are missing, or bring them up to date.

    Raises:
        StoreError: a newer version of this program made the database.
        SQLAlchemyError, OSError: the database fails.
    """
    file = database_file(engine.url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    with engine.connect() as connection:
        version = _version(connection)
    if version is None:
        with engine.begin() as connection:
            create_tables(connection)
        with suppress(IntegrityError), engine.begin() as connection:  # another process may be faster
            connection.execute(insert(schema_version).values(id=1, version=SCHEMA_VERSION))
        with engine.connect() as connection:
            version = _version(connection)
    elif version < SCHEMA_VERSION:
        migrate(engine)
        version = SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"The run history {database_name(engine.url)} has version {version}, and this program reads "
            f"version {SCHEMA_VERSION}. Use the Loadonce that made it, or set LOADONCE_HOME to a new folder."
        )


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table(schema_version.name):
        return None
    return connection.scalar(select(schema_version.c.version).where(schema_version.c.id == 1))


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # Readers and one writer at once. The switch is kept in the file, and asked for only where it is needed:
    # it wants the file for itself for a moment.
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
