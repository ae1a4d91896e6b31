"""The run history: records, logs and actions, kept in a database that several processes share.

    console --+
    CLI ------+--> Store --> SQLite file (or, by its URL, another database)
    CI  ------+     ^
                    +-- curation (tags, notes, deletes), log_search, retention, cut_runs

A run is one row of small columns to search and list by (`run_index`), its whole record as one JSON document,
and its logs (`kept_logs`). The tables are in `tables`; the sentences for what goes wrong in `storefault`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy import and_ as all_of
from sqlalchemy import update as change
from sqlalchemy.exc import IntegrityError

from dashboard import kept_logs, run_index
from dashboard.database import Database, make_engine, prepare, store_url
from dashboard.evidence import LogLine
from dashboard.home import HomeError, data_home
from dashboard.journal import Journals
from dashboard.owner import this_process
from dashboard.printable import as_text
from dashboard.record import RunRecord, from_json, to_json, with_live
from dashboard.run_index import RunFilter, RunSummary, index_row
from dashboard.storefault import StoreError, database_file, free_bytes
from dashboard.tables import actions, records, runs, sweeps

__all__ = ["EVERYTHING", "Action", "RunFilter", "RunSummary", "Store", "StoreError", "store_url"]

LOCK_WAIT_S: Final = 10.0
"""How long a write waits for another process's write before it gives up."""
ROOM_BYTES: Final = 16 * 1024 * 1024
"""What must be left on the disk before a run starts, so that its record and its log can be kept."""
EVERYTHING: Final = RunFilter()


@dataclass(frozen=True, slots=True)
class Action:
    """Something that changed something: who did what to what, when (Unix seconds), and how it ended."""

    time: float
    actor: str
    action: str
    target: str
    outcome: str
    run_id: str | None = None


class Store(Database):
    """The run history at one URL.

    Threading: every method may be called from any thread and by several processes at once. A write waits
    for other writers, for `LOCK_WAIT_S` seconds at the most; reads wait for nobody.

    Every method raises `StoreError`, one sentence with the next step, when the database fails.

    Attributes:
        journals: what was shown of runs and is not in here yet; None where there is no folder for them.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._owner = this_process()
        self.journals = _journals(self)

    @classmethod
    def open(cls, url: str, *, lock_wait_s: float = LOCK_WAIT_S) -> Store:
        """Open the history at `url`, such as `sqlite:////home/me/history.db`, and make it if there is none.

        Raises:
            StoreError: the URL is not understood, the database cannot be opened, or a newer version of this
                program made it.
        """
        store = cls(make_engine(url, lock_wait_s))
        try:
            with store.explained():
                prepare(store._engine)
        except BaseException:
            store.close()
            raise
        return store

    def check_writable(self) -> None:
        """Make sure, by a real write, that a run could be kept now.

        Raises:
            StoreError: it could not: full disk, read-only, locked, gone.
        """
        self.claim("write check", every_s=0.0)
        file = database_file(self.url)
        free = free_bytes(file) if file is not None else None
        if free is not None and free < ROOM_BYTES:
            raise StoreError(
                f"The disk that holds the run history {file} is nearly full: {free / 1e6:.1f} MB are left, "
                f"and a run may need {ROOM_BYTES / 1e6:.0f} MB. Free some space, or set LOADONCE_HOME to a "
                "folder on another disk."
            )

    def save(self, record: RunRecord) -> None:
        """Insert or replace the record, in one transaction. It belongs to the calling process."""
        document = self.written(record)
        try:
            self._put(record, document)
        except IntegrityError:
            self._put(record, document)  # another writer inserted between two statements: now there is a row

    def _put(self, record: RunRecord, document: str) -> None:
        row = index_row(record) | {
            "owner": self._owner,
            "size_bytes": len(document.encode()),
            "seen_at": self.now,
        }
        content = {"document": document, "live": None}
        run_id = record.run_id
        with self.writing() as connection:
            if connection.execute(change(runs).where(runs.c.run_id == run_id).values(row)).rowcount:
                connection.execute(change(records).where(records.c.run_id == run_id).values(content))
            else:
                connection.execute(insert(runs).values(row))
                connection.execute(insert(records).values(content | {"run_id": run_id}))

    def attend(self, run_id: str, live: RunRecord | None) -> str | None:
        """Say that a run goes on; returns who has asked it to end, from another process, if anybody has.

        `live` is the run as it stands: its last trial is kept beside the document of those before.
        """
        picture = None if live is None else self.written(replace(live, trials=live.trials[-1:]))
        mine = all_of(runs.c.run_id == run_id, runs.c.status == "running")
        with self.writing() as connection:
            if not connection.execute(change(runs).where(mine).values(seen_at=self.now)).rowcount:
                return None
            if picture is not None:
                key = records.c.run_id == run_id
                connection.execute(change(records).where(key).values(live=picture))
            return connection.scalar(select(runs.c.abort_by).where(runs.c.run_id == run_id))

    def ask_abort(self, run_id: str, *, actor: str) -> bool:
        """Ask whichever process makes the run to end it; False when it does not go on."""
        mine = all_of(runs.c.run_id == run_id, runs.c.status == "running")
        with self.writing() as connection:
            return connection.execute(change(runs).where(mine).values(abort_by=actor)).rowcount > 0

    def save_log(self, run_id: str, source: str, lines: Iterable[LogLine]) -> None:
        """Keep the log of one source of a run that has been saved; replaces what was kept before."""
        with self._of_a_run(run_id, source), self.writing() as connection:
            kept_logs.replace_lines(connection, run_id, source, lines)

    def add_log(self, run_id: str, source: str, lines: Iterable[LogLine]) -> None:
        """Add lines to the log that is kept of one source of a run that has been saved."""
        with self._of_a_run(run_id, source), self.writing() as connection:
            kept_logs.add_lines(connection, run_id, source, lines)

    def drop_log(self, run_id: str, source: str) -> None:
        """Forget what was added to the log of one source."""
        with self.writing() as connection:
            kept_logs.drop_lines(connection, run_id, source)

    @contextmanager
    def _of_a_run(self, run_id: str, source: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise StoreError(
                f"The log of {source} cannot be kept: run {run_id} is not in the history {self.name}. "
                "Save the run first."
            ) from error

    def load(self, run_id: str) -> RunRecord | None:
        """Return the record of a run, or None when there is no such run."""
        query = select(records.c.document, records.c.live).where(records.c.run_id == run_id)
        with self.reading() as connection:
            found = connection.execute(query).one_or_none()
        return None if found is None else self._parse(run_id, *found)

    def stamp(self, run_id: str) -> tuple[str, float | None] | None:
        """Return what changes with a record: the run's status, and when it ended or was last seen."""
        when = func.coalesce(runs.c.finished_at, runs.c.seen_at)
        with self.reading() as connection:
            row = connection.execute(select(runs.c.status, when).where(runs.c.run_id == run_id)).one_or_none()
        return None if row is None else (row[0], row[1])

    def log(self, run_id: str, source: str) -> tuple[LogLine, ...]:
        """Return the kept lines of one source of a run, exactly as they were saved; none is empty."""
        try:
            with self.reading() as connection:
                return kept_logs.read_lines(connection, run_id, source)
        except ValueError as error:
            raise self.damaged(run_id, source, error) from error

    def damaged(self, run_id: str, source: str, error: ValueError) -> StoreError:
        """Return the error to raise for a log that cannot be unpacked."""
        return StoreError(
            f"The log of {source} in run {run_id} is damaged in the history {self.name} ({error}). "
            "Put a copy of the history back, or launch the run again."
        )

    def sources(self, run_id: str) -> tuple[str, ...]:
        """Return the names of the run's logs, in the order in which they were first saved."""
        with self.reading() as connection:
            return kept_logs.source_names(connection, run_id)

    def list(
        self,
        wanted: RunFilter = EVERYTHING,
        *,
        limit: int | None = 200,
        before: str | None = None,
        skip: int = 0,
    ) -> tuple[RunSummary, ...]:
        """Return the newest runs first; `before` is the last run id of the page before this one."""
        with self.reading() as connection:
            return run_index.summaries(connection, wanted, limit=limit, before=before, skip=skip)

    def summary(self, run_id: str) -> RunSummary | None:
        """Return what the list says of one run; None when there is no such run."""
        with self.reading() as connection:
            return next(iter(run_index.summaries(connection, RunFilter(run_id=run_id), limit=1)), None)

    def count(self, wanted: RunFilter = EVERYTHING) -> int:
        """Return how many runs there are."""
        with self.reading() as connection:
            return run_index.count(connection, wanted)

    def find(self, prefix: str, *, limit: int = 10) -> tuple[str, ...]:
        """Return the ids of runs that begin with `prefix`, newest first."""
        query = select(runs.c.run_id).where(runs.c.run_id.startswith(prefix, autoescape=True))
        with self.reading() as connection:
            found = connection.scalars(query.order_by(runs.c.created_at.desc()).limit(limit))
            return tuple(run_id for run_id in found if run_id.startswith(prefix))

    def save_sweep(
        self, sweep_id: str, created_at: float, document: str, *, status: str = "finished"
    ) -> None:
        """Insert or replace what is kept of a sweep beside its runs. It belongs to the calling process."""
        values: dict[str, Any] = {
            "created_at": created_at,
            "document": document,
            "status": status,
            "owner": self._owner,
            "seen_at": self.now,
        }
        with self.writing() as connection:
            if not connection.execute(
                change(sweeps).where(sweeps.c.sweep_id == sweep_id).values(values)
            ).rowcount:
                connection.execute(insert(sweeps).values(values | {"sweep_id": sweep_id}))

    def attend_sweep(self, sweep_id: str) -> None:
        """Say that a sweep goes on."""
        with self.writing() as connection:
            connection.execute(change(sweeps).where(sweeps.c.sweep_id == sweep_id).values(seen_at=self.now))

    def sweeps(self, *, limit: int = 50) -> tuple[str, ...]:
        """Return the documents of the newest sweeps, newest first."""
        query = select(sweeps.c.document).order_by(sweeps.c.created_at.desc()).limit(limit)
        with self.reading() as connection:
            return tuple(connection.scalars(query))

    def note_action(
        self, *, actor: str, action: str, target: str, outcome: str, run_id: str | None = None
    ) -> None:
        """Record who did what to what, now, and how it ended."""
        done = Action(time.time(), actor, action, target, outcome, run_id)
        with self.writing() as connection:
            self.add_action(connection, done)

    @staticmethod
    def add_action(connection: Connection, done: Action) -> None:
        """Record an action within the transaction that does it."""
        # What quotes others may hold what no database takes for text: half a character, or a zero
        values = {name: getattr(done, name) for name in Action.__dataclass_fields__}
        told = {name: as_text(value) if isinstance(value, str) else value for name, value in values.items()}
        connection.execute(insert(actions).values(told))

    def actions(self, limit: int = 200) -> tuple[Action, ...]:
        """Return what was recorded last, newest first."""
        columns = [actions.c[name] for name in Action.__dataclass_fields__]
        with self.reading() as connection:
            rows = connection.execute(select(*columns).order_by(actions.c.id.desc()).limit(limit))
            return tuple(Action(*row) for row in rows)

    @staticmethod
    def written(record: RunRecord) -> str:
        """Return the document of a record."""
        try:
            return to_json(record).decode()
        except ValueError as error:
            raise StoreError(
                f"The record of run {record.run_id} cannot be written as JSON ({error}). Please report this."
            ) from error

    def _parse(self, run_id: str, document: str, live: str | None) -> RunRecord:
        try:
            record = from_json(document)
            return record if live is None else with_live(record, from_json(live))
        except ValueError as error:
            raise StoreError(
                f"The record of run {run_id} in the history {self.name} cannot be read: another version of "
                "Loadonce wrote it, or it is damaged. Open it with that version, or delete the run."
            ) from error


def _journals(store: Store) -> Journals | None:
    """Beside the file; of a database elsewhere, in this machine's data folder."""
    file = database_file(store.url)
    try:
        folder = data_home() if file is None else file.parent
    except HomeError:
        return None
    return Journals(folder / "journals", store.name if file is None else file.name)
