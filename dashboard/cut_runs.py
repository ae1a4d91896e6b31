"""Runs and sweeps whose process has ended in the middle: taken by one console, told as interrupted.

history: running, its owner gone --+
journal: what was shown of it -----+--> mark_interrupted() --> interrupted, with all that was seen
                                              |                 (ids: whoever took it alerts, nobody else)
sweep: its run was cut, or it was ------------+--> interrupted, with the runs that it made
       between two runs
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, select
from sqlalchemy import and_ as all_of
from sqlalchemy import update as change

from dashboard import kept_logs
from dashboard.interrupted import interrupted
from dashboard.journal_entries import Journaled
from dashboard.owner import is_gone, is_here
from dashboard.record import RunRecord
from dashboard.run_index import index_row
from dashboard.store import RunFilter, Store, StoreError
from dashboard.sweep import SweepRecord, cell_of, sweep_from_json, to_document
from dashboard.tables import records, runs, sweeps

__all__ = ["mark_interrupted"]

SILENT_S: Final = 90.0
"""After so long without a word from its owner on another host, a running run is taken for interrupted."""
_CUT: Final = "The console's process ended in the middle of this sweep. Begin it again."


def mark_interrupted(store: Store) -> tuple[str, ...]:
    """Mark the runs and sweeps that are still `running` though their process has ended.

    On this host a process is known to have ended; on others it has, when it was silent for `SILENT_S`
    seconds. What was seen is kept. Of several consoles that look at once one takes a run.

    Returns:
        The ids of the runs that this call has taken.

    Raises:
        StoreError: the history fails.
    """
    with store.reading() as connection:
        silent = (runs.c.seen_at < store.now - SILENT_S).label("silent")
        query = select(runs.c.run_id, runs.c.owner, silent).where(runs.c.status == "running")
        running = connection.execute(query).all()
    cut = [(run_id, owner) for run_id, owner, is_silent in running if _has_ended(owner, bool(is_silent))]
    taken = tuple(run_id for run_id, owner in cut if _take(store, run_id, owner))
    _clear_up(store, {run_id for run_id, *_ in running} - set(taken))
    _mark_sweeps(store)
    return taken


def _has_ended(owner: str, is_silent: bool) -> bool:
    return is_gone(owner) or (is_silent and not is_here(owner))


def _journaled(store: Store, run_id: str) -> Journaled:
    return Journaled() if store.journals is None else store.journals.read(run_id)


def _take(store: Store, run_id: str, owner: str) -> bool:
    """Mark one run, and tell whether it was this call that did so."""
    row: dict[str, Any] = {"status": "interrupted"}
    content: dict[str, Any] = {}
    journaled = _journaled(store, run_id)
    record: RunRecord | None = None
    try:
        record = store.load(run_id)
        if record is None:
            return False  # deleted in between
        record = journaled.onto(record)
        if record.running:  # else it had come to its end, and only the history had refused that
            record = interrupted(record)
        row = index_row(record)
        content = {"document": store.written(record), "live": None}
    except StoreError:
        pass  # another version's record: it cannot be opened here, but it runs no more
    # One statement decides who takes it: whoever comes later finds that it runs no more
    still = all_of(runs.c.run_id == run_id, runs.c.status == "running", runs.c.owner == owner)
    with store.writing() as connection:
        if not connection.execute(change(runs).where(still).values(row)).rowcount:
            return False
        if record is not None and content:
            connection.execute(change(records).where(records.c.run_id == run_id).values(content))
            _add_lines(connection, record, journaled)
    if store.journals is not None and content:
        store.journals.drop(run_id)
    return True


def _add_lines(connection: Connection, record: RunRecord, journaled: Journaled) -> None:
    """Add the lines that were shown of logs and are not kept yet; those of trials kept in short are not."""
    unwanted = {trial.source for trial in record.trials if trial.in_short}
    for source, lines in journaled.lines.items():
        if source not in unwanted:
            try:
                kept = kept_logs.newest_line(connection, record.run_id, source)
            except ValueError:
                continue  # damaged: more of it would not make it whole
            new = tuple(line for line in lines if line.number > kept)
            if new:
                kept_logs.add_lines(connection, record.run_id, source, new)


def _clear_up(store: Store, running: set[str]) -> None:
    """See to the journals of processes that have ended and whose runs are marked already.

    A console of another host marked the run first, or a process was killed between its last two steps.
    """
    for run_id, head in () if store.journals is None else store.journals.heads():
        if run_id in running or (head is not None and not is_gone(head.owner)):
            continue
        journaled = _journaled(store, run_id)
        try:
            record = store.load(run_id)
        except StoreError:
            continue  # another version's: it may know what to do with it
        if record is not None:
            if record.status == "interrupted":
                seen = journaled.onto(record)
                record = interrupted(seen) if seen.running else seen
            content = {"document": store.written(record)}
            with store.writing() as connection:
                connection.execute(change(runs).where(runs.c.run_id == run_id).values(index_row(record)))
                connection.execute(change(records).where(records.c.run_id == run_id).values(content))
                _add_lines(connection, record, journaled)
        assert store.journals is not None  # else there was no head
        store.journals.drop(run_id)


# -- sweeps ----------------------------------------------------------------------------------------------


def _mark_sweeps(store: Store) -> None:
    with store.reading() as connection:
        silent = (sweeps.c.seen_at < store.now - SILENT_S).label("silent")
        query = select(sweeps.c.sweep_id, sweeps.c.owner, sweeps.c.document, silent)
        running = connection.execute(query.where(sweeps.c.status == "running")).all()
    for sweep_id, owner, document, is_silent in running:
        if not _has_ended(owner, bool(is_silent)):
            continue
        values = {"status": "interrupted"}
        try:
            sweep = _with_runs(store, sweep_from_json(document))
            values["document"] = to_document(replace(sweep, status="interrupted", message=_CUT))
        except ValueError:
            pass  # another version's, or damaged: it is told when it is opened
        still = all_of(sweeps.c.sweep_id == sweep_id, sweeps.c.status == "running", sweeps.c.owner == owner)
        with store.writing() as connection:
            connection.execute(change(sweeps).where(still).values(values))


def _with_runs(store: Store, sweep: SweepRecord) -> SweepRecord:
    """Return a sweep with what came of every run that it made; the last one is not among its cells yet."""
    known = {cell.run_id for cell in sweep.cells}
    for row in store.list(RunFilter(sweep.sweep_id), limit=None):
        record = None if row.run_id in known else store.load(row.run_id)
        if record is not None and record.sweep == sweep.sweep_id:
            sweep = sweep.with_cell(cell_of(record.settings, record))
    return sweep
