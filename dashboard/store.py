"""The run history: records, logs and actions, kept in a database that several processes share.

    console --+
    CLI ------+--> Store --> SQLite file (or, by its URL, another database)
    CI  ------+

A run is one row: small columns to search and list by, and the whole record as one JSON document. The
tables are in `tables`; the sentences for what goes wrong are in `storefault`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, func, insert, select
from sqlalchemy import and_ as all_of
from sqlalchemy import or_ as any_of
from sqlalchemy import update as change
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from dashboard.database import make_engine, prepare, store_url
from dashboard.evidence import Colour, LogLine
from dashboard.interrupted import interrupted
from dashboard.logpack import pack, unpack
from dashboard.owner import is_gone, this_process
from dashboard.record import RunRecord, RunStatus, from_json, to_json
from dashboard.storefault import StoreError, database_file, database_name, explain, free_bytes
from dashboard.tables import actions, logs, runs, schema_version, sweeps

__all__ = ["Action", "RunSummary", "Store", "StoreError", "store_url"]

LOCK_WAIT_S: Final = 10.0
"""How long a write waits for another process's write before it gives up."""
ROOM_BYTES: Final = 16 * 1024 * 1024
"""What must be left on the disk before a run starts, so that its record and its log can be kept."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A row of the list of runs: what can be told without opening the record. Times are Unix seconds."""

    run_id: str
    created_at: float
    finished_at: float | None
    status: RunStatus
    verdict: Colour | None
    target: str
    guard: str
    jobs: int
    variants_per_job: int
    repeat: int
    actor: str
    load_started: int | None
    latency_p95_s: float | None = None

    @property
    def variants(self) -> int:
        """How many variants were released at once."""
        return self.jobs * self.variants_per_job


@dataclass(frozen=True, slots=True)
class Action:
    """Something that changed something: who did what to what, when (Unix seconds), and how it ended."""

    time: float
    actor: str
    action: str
    target: str
    outcome: str
    run_id: str | None = None


_SUMMARY: Final = [runs.c[name] for name in RunSummary.__dataclass_fields__]


class Store:
    """The run history at one URL.

    Threading: every method may be called from any thread and by several processes at once. A write waits
    for other writers, for `LOCK_WAIT_S` seconds at the most; reads wait for nobody.

    Every method raises `StoreError`, one sentence with the next step, when the database fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._url = engine.url
        self._closed = False
        self._owner = this_process()

    @classmethod
    def open(cls, url: str, *, lock_wait_s: float = LOCK_WAIT_S) -> Store:
        """Open the history at `url`, such as `sqlite:////home/me/history.db`, and make it if there is none.

        Raises:
            StoreError: the URL is not understood, the database cannot be opened, or a newer version of this
                program made it.
        """
        store = cls(make_engine(url, lock_wait_s))
        try:
            with store._explained():
                prepare(store._engine)
        except BaseException:
            store.close()
            raise
        return store

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        return database_name(self._url)

    def check_writable(self) -> None:
        """Make sure, by a real write, that a run could be kept now.

        Raises:
            StoreError: it could not: full disk, read-only, locked, gone.
        """
        with self._write() as connection:
            connection.execute(change(schema_version).values(checked_at=time.time()))
        file = database_file(self._url)
        free = free_bytes(file) if file is not None else None
        if free is not None and free < ROOM_BYTES:
            raise StoreError(
                f"The disk that holds the run history {file} is nearly full: {free / 1e6:.1f} MB are left, "
                f"and a run may need {ROOM_BYTES / 1e6:.0f} MB. Free some space, or set LOADONCE_HOME to a "
                "folder on another disk."
            )

    def save(self, record: RunRecord) -> None:
        """Insert or replace the record, in one transaction. It belongs to the calling process."""
        try:
            document = to_json(record).decode()
        except ValueError as error:
            raise StoreError(
                f"The record of run {record.run_id} cannot be written as JSON ({error}). Please report this."
            ) from error
        row = _row(record) | {"owner": self._owner, "document": document}
        try:
            self._put(row)
        except IntegrityError:
            self._put(row)  # another writer inserted between the two statements: now there is a row

    def _put(self, row: dict[str, Any]) -> None:
        with self._write() as connection:
            if not connection.execute(
                change(runs).where(runs.c.run_id == row["run_id"]).values(row)
            ).rowcount:
                connection.execute(insert(runs).values(row))

    def save_log(self, run_id: str, source: str, lines: Iterable[LogLine]) -> None:
        """Keep the log of one source of a run that has been saved; replaces what was kept before."""
        packed, count = pack(lines)
        key = all_of(logs.c.run_id == run_id, logs.c.source == source)
        position = select(func.count()).select_from(logs).where(logs.c.run_id == run_id).scalar_subquery()
        try:
            with self._write() as connection:
                values: dict[str, Any] = {"line_count": count, "lines": packed}
                if not connection.execute(change(logs).where(key).values(values)).rowcount:
                    values |= {"run_id": run_id, "source": source, "position": position}
                    connection.execute(insert(logs).values(values))
        except IntegrityError as error:
            raise StoreError(
                f"The log of {source} cannot be kept: run {run_id} is not in the history {self.name}. "
                "Save the run first."
            ) from error

    def load(self, run_id: str) -> RunRecord | None:
        """Return the record of a run, or None when there is no such run."""
        with self._read() as connection:
            document = connection.scalar(select(runs.c.document).where(runs.c.run_id == run_id))
        return None if document is None else self._parse(run_id, document)

    def log(self, run_id: str, source: str) -> tuple[LogLine, ...]:
        """Return the kept lines of one source of a run, exactly as they were saved; none is empty."""
        key = all_of(logs.c.run_id == run_id, logs.c.source == source)
        with self._read() as connection:
            packed = connection.scalar(select(logs.c.lines).where(key))
        try:
            return () if packed is None else unpack(source, packed)
        except ValueError as error:
            raise StoreError(
                f"The log of {source} in run {run_id} is damaged in the history {self.name} ({error}). "
                "Put a copy of the history back, or launch the run again."
            ) from error

    def sources(self, run_id: str) -> tuple[str, ...]:
        """Return the names of the run's logs, in the order in which they were first saved."""
        query = select(logs.c.source).where(logs.c.run_id == run_id).order_by(logs.c.position, logs.c.source)
        with self._read() as connection:
            return tuple(connection.scalars(query))

    def list(self, *, limit: int = 200, before: str | None = None) -> tuple[RunSummary, ...]:
        """Return the newest runs first; `before` is the last run id of the page before this one."""
        query = select(*_SUMMARY).order_by(runs.c.created_at.desc(), runs.c.run_id.desc()).limit(limit)
        if before is not None:
            then = select(runs.c.created_at).where(runs.c.run_id == before).scalar_subquery()
            query = query.where(
                any_of(runs.c.created_at < then, all_of(runs.c.created_at == then, runs.c.run_id < before))
            )
        with self._read() as connection:
            return tuple(RunSummary(*row) for row in connection.execute(query))

    def find(self, prefix: str, *, limit: int = 10) -> tuple[str, ...]:
        """Return the ids of runs that begin with `prefix`, newest first."""
        query = select(runs.c.run_id).where(runs.c.run_id.startswith(prefix, autoescape=True))
        with self._read() as connection:
            found = connection.scalars(query.order_by(runs.c.created_at.desc()).limit(limit))
            return tuple(run_id for run_id in found if run_id.startswith(prefix))

    def delete(self, run_id: str) -> bool:
        """Remove a run and its logs; False when there was none."""
        with self._write() as connection:
            connection.execute(delete(logs).where(logs.c.run_id == run_id))
            return connection.execute(delete(runs).where(runs.c.run_id == run_id)).rowcount > 0

    def save_sweep(self, sweep_id: str, created_at: float, document: str) -> None:
        """Insert or replace what is kept of a sweep beside its runs. One process alone saves a sweep."""
        values: dict[str, Any] = {"created_at": created_at, "document": document}
        with self._write() as connection:
            if not connection.execute(
                change(sweeps).where(sweeps.c.sweep_id == sweep_id).values(values)
            ).rowcount:
                connection.execute(insert(sweeps).values(values | {"sweep_id": sweep_id}))

    def sweeps(self, *, limit: int = 50) -> tuple[str, ...]:
        """Return the documents of the newest sweeps, newest first."""
        query = select(sweeps.c.document).order_by(sweeps.c.created_at.desc()).limit(limit)
        with self._read() as connection:
            return tuple(connection.scalars(query))

    def note_action(
        self, *, actor: str, action: str, target: str, outcome: str, run_id: str | None = None
    ) -> None:
        """Record who did what to what, now, and how it ended."""
        values = {"time": time.time(), "actor": actor, "action": action, "target": target}
        with self._write() as connection:
            connection.execute(insert(actions).values(values | {"outcome": outcome, "run_id": run_id}))

    def actions(self, limit: int = 200) -> tuple[Action, ...]:
        """Return what was recorded last, newest first."""
        columns = [actions.c[name] for name in Action.__dataclass_fields__]
        with self._read() as connection:
            rows = connection.execute(select(*columns).order_by(actions.c.id.desc()).limit(limit))
            return tuple(Action(*row) for row in rows)

    def mark_interrupted(self) -> int:
        """Mark the runs that are still `running` though their process has ended, and return how many.

        Only processes of this host can be known to have ended. What was seen is kept.
        """
        query = select(runs.c.run_id, runs.c.owner, runs.c.document).where(runs.c.status == "running")
        with self._read() as connection:
            rows = connection.execute(query).all()
        marked = 0
        for run_id, owner, document in rows:
            if not is_gone(owner):
                continue
            row: dict[str, Any] = {"status": "interrupted"}
            try:
                record = interrupted(from_json(document))
                row = _row(record) | {"document": to_json(record).decode()}
            except ValueError:
                pass  # another version's record: it cannot be opened here, but it runs no more
            # Its owner has ended, so only another process that does the same as we could have changed it.
            still = all_of(runs.c.run_id == run_id, runs.c.status == "running", runs.c.owner == owner)
            with self._write() as connection:
                marked += connection.execute(change(runs).where(still).values(row)).rowcount
        return marked

    def close(self) -> None:
        """Give up the connections. Idempotent; every other method raises afterwards."""
        self._closed = True
        self._engine.dispose()

    def _parse(self, run_id: str, document: str) -> RunRecord:
        try:
            return from_json(document)
        except ValueError as error:
            raise StoreError(
                f"The record of run {run_id} in the history {self.name} cannot be read: another version of "
                "Loadonce wrote it, or it is damaged. Open it with that version, or delete the run."
            ) from error

    def _open(self) -> Engine:
        if self._closed:
            raise StoreError(f"The run history {self.name} has been closed. Open it again first.")
        return self._engine

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._explained(), self._open().connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        # The first statement of every transaction must be a write: SQLite then waits for other writers,
        # while a transaction that has read first is refused at once.
        with self._explained(), self._open().begin() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # the caller's to judge
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise explain(error, self._url) from error


def _row(record: RunRecord) -> dict[str, Any]:
    settings, verdict = record.settings, record.verdict
    latency = verdict.latency_s if verdict is not None else None
    return {
        "run_id": record.run_id,
        "created_at": record.created_at,
        "finished_at": record.finished_at,
        "status": record.status,
        "verdict": verdict.verdict if verdict is not None else None,
        "target": settings.target,
        "guard": settings.guard,
        "jobs": settings.jobs,
        "variants_per_job": settings.variants_per_job,
        "repeat": settings.repeat,
        "actor": record.actor,
        "load_started": verdict.counts.load_started if verdict is not None else None,
        "latency_p95_s": latency.p95 if latency is not None else None,
    }
