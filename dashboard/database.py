"""Opening the database of the run history: its URL, its engine, its tables.

SQLite and PostgreSQL differ here, and in `migrations`; whatever reads and writes the tables knows neither.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy import and_ as all_of
from sqlalchemy import literal_column as sql
from sqlalchemy import update as change
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from dashboard.storefault import StoreError, database_file, database_name, explain, shown_url
from dashboard.tables import REVISION, upkeep

__all__ = ["Database", "make_engine", "prepare", "store_url"]

_CONNECT_S: Final = 10
_SLICE_PAGES: Final = 500
_INCREMENTAL: Final = 2
_POSTGRESQL: Final = ("postgresql", "postgres")
"""How people begin a URL; the driver that is installed is `psycopg`."""


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
    if parsed.drivername in _POSTGRESQL:
        parsed = parsed.set(drivername="postgresql+psycopg")
    shown = shown_url(parsed)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and parsed.database in (None, "", ":memory:"):
        raise StoreError(
            f"The database URL {shown} names no file, so that nothing would be kept. Give one such as "
            "sqlite:////folder/history.db in LOADONCE_DATABASE_URL, or unset it."
        )
    try:
        if is_sqlite:
            engine = create_engine(parsed, connect_args={"timeout": lock_wait_s})
            event.listen(engine, "connect", _set_up_sqlite)
            return engine
        # A server may have been restarted since a connection was last used: each is asked before it is
        return create_engine(parsed, pool_pre_ping=True, connect_args=_arguments(parsed, lock_wait_s))
    except (NoSuchModuleError, ImportError) as error:
        raise StoreError(
            f"The run history at {shown} needs a database driver that is not installed ({error}). "
            "Install it, or unset LOADONCE_DATABASE_URL to keep the history in a SQLite file."
        ) from error


def _arguments(url: URL, lock_wait_s: float) -> dict[str, Any]:
    if url.get_backend_name() != "postgresql":
        return {}
    own: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        "application_name": "loadonce",
        "options": f"-c lock_timeout={int(lock_wait_s * 1000)}",
    }
    return {name: value for name, value in own.items() if name not in url.query}


def prepare(engine: Engine) -> None:
    """Make the folder and the tables where they are missing, or bring them up to date.

    Raises:
        StoreError: a newer version of this program made the database.
        SQLAlchemyError, OSError: the database fails.
    """
    file = database_file(engine.url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    with engine.connect() as connection:
        found = _revision(connection)
    if found == REVISION:
        return
    # Late: Alembic takes as long to import as all of this, and a history is nearly always up to date
    from dashboard.migrations import NotOurs, upgrade

    try:
        upgrade(engine)
    except NotOurs as error:
        raise StoreError(
            f"The run history {database_name(engine.url)} has version {error.version}, and this program "
            f"reads version {REVISION}. Use the Loadonce that made it, or set LOADONCE_HOME to a new folder."
        ) from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def database_time(dialect: Dialect) -> ColumnElement[float]:
    """Return what is the time in Unix seconds to the database: the one clock that several consoles share."""
    if dialect.name == "sqlite":
        return sql("((julianday('now') - 2440587.5) * 86400.0)")
    return sql("extract(epoch from clock_timestamp())::double precision")


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # Readers and one writer at once. The switch is kept in the file, and asked for only where it is needed:
    # it wants the file for itself for a moment.
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
            connection.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")  # only a new file can choose
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


class Database:
    """A database that several processes share: transactions, and errors as one sentence with the next step.

    Threading: every method may be called from any thread.

    Attributes:
        now: what the time is to the database, for statements: see `database_time`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.url: Final = engine.url
        self.now: Final = database_time(engine.dialect)
        self._closed = False

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        return database_name(self.url)

    def claim(self, task: str, *, every_s: float) -> bool:
        """Take on what one of several consoles is to do once in `every_s` seconds; False if it is not due."""
        due = all_of(upkeep.c.name == task, upkeep.c.at <= self.now - every_s)
        with self.writing() as connection:
            if connection.execute(change(upkeep).where(due).values(at=self.now)).rowcount:
                return True
            if connection.scalar(select(upkeep.c.name).where(upkeep.c.name == task)) is not None:
                return False
        try:
            with self.writing() as connection:
                connection.execute(insert(upkeep).values(name=task, at=self.now))
        except IntegrityError:
            return False  # another process was faster
        return True

    def give_back_space(self) -> None:
        """Give the disk back what was deleted. PostgreSQL does so by itself, in its own time.

        In slices, each of which holds up other writers for a moment; but a SQLite file from before it could
        do that is written anew once, for which its disk must have room.
        """
        if self._engine.dialect.name != "sqlite":
            return
        with self.explained(), self._open().connect() as connection:
            # Not within a transaction: what is let go there comes back at its end alone
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            if connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() != _INCREMENTAL:
                connection.exec_driver_sql(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
                connection.exec_driver_sql("VACUUM")
            while connection.exec_driver_sql("PRAGMA freelist_count").scalar():
                # As a script, which runs to its end: the driver would take one step of it, and that is a page
                raw: Any = connection.connection.driver_connection
                raw.executescript(f"PRAGMA incremental_vacuum({_SLICE_PAGES})")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    def close(self) -> None:
        """Give up the connections. Idempotent; every other method raises afterwards."""
        self._closed = True
        self._engine.dispose()

    def _open(self) -> Engine:
        if self._closed:
            raise StoreError(f"The run history {self.name} has been closed. Open it again first.")
        return self._engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads."""
        with self.explained(), self._open().connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: it counts once it is left without an error."""
        # The first statement of every transaction must be a write: SQLite then waits for other writers,
        # while a transaction that has read first is refused at once.
        with self.explained(), self._open().begin() as connection:
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the errors of drivers into `StoreError`."""
        try:
            yield
        except IntegrityError:
            raise  # the caller's to judge
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise explain(error, self.url) from error
