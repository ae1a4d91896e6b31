"""Makes a sweep: its runs one after the other, on a thread of its own; each is a run of the history."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Protocol

from dashboard.record import RunRecord, new_run_id
from dashboard.runs import PreflightError, RunInProgress
from dashboard.settings import RunSettings, SettingsError
from dashboard.store import Store, StoreError
from dashboard.sweep import SweepPlan, SweepRecord, SweepStatus, cell_of, to_document

__all__ = ["Launcher", "Sweep"]

_TICK_S: Final = 0.1
_STILL_ALIVE_S: Final = 10.0


class Launcher(Protocol):
    """What a sweep needs of `dashboard.runs.Runner`. Threading: as there."""

    def launch(self, settings: RunSettings, *, actor: str, sweep: str | None = None) -> str:
        """Begin a run and return its id."""

    def abort(self, run_id: str, *, actor: str) -> bool:
        """Ask a run to end."""

    def record(self, run_id: str) -> RunRecord | None:
        """A remembered run."""


class Sweep:
    """One sweep and its thread. Threading: everything but `start` may be called from any thread.

    What was made is kept after each run: an abort, or the end of the console, loses none of it.
    """

    def __init__(self, plan: SweepPlan, runner: Launcher, store: Store, *, actor: str) -> None:
        self._runner, self._store = runner, store
        created = datetime.now(UTC)
        self._record = SweepRecord(
            new_run_id(created, secrets.token_hex(3)),
            plan,
            actor,
            created.timestamp(),
            tuple(cell_of(settings) for settings in plan.cells()),
        )
        self._active: str | None = None
        self._said_at = 0.0
        self._abort = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"sweep-{self._record.sweep_id}")

    @property
    def record(self) -> SweepRecord:
        """The sweep as it stands; the run under way is told as far as it is."""
        record, active = self._record, self._active
        run = None if active is None else self._runner.record(active)
        return record if run is None else record.with_cell(cell_of(run.settings, run))

    @property
    def active(self) -> str | None:
        """The run under way."""
        return self._active

    def start(self) -> None:
        """Begin.

        Raises:
            StoreError: the history cannot be written; nothing was begun.
        """
        self._keep()
        self._thread.start()

    def abort(self) -> None:
        """Ask it to end with the run under way, which is cut short. Idempotent."""
        self._abort.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until it has ended; False after `timeout` seconds."""
        return self._ended.wait(timeout)

    def _work(self) -> None:
        status: SweepStatus = "failed"
        told: Mapping[str, object] = {}
        try:
            for settings in self._record.plan.cells():
                if self._abort.is_set():
                    break
                self._make(settings)
            status = "aborted" if self._abort.is_set() else "finished"
            told = {"message": "The sweep was stopped; what was made is kept." if status == "aborted" else ""}
        except SettingsError as error:
            told = {"message": " ".join(error.errors.values())}
        except PreflightError as error:
            told = {"message": str(error), "out_of_reach": error.out_of_reach}
        except StoreError as error:
            told = {"message": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever breaks, the sweep ends with a word about it
            told = {"message": f"The sweep broke off ({type(error).__name__}: {error}). Begin it again."}
        finally:
            self._record = replace(self._record, status=status, finished_at=time.time(), **told)  # type: ignore[arg-type]  # fields of it
            try:
                self._keep()
            except StoreError as error:
                text = f"{self._record.message} The history does not hold this sweep. {error}".strip()
                self._record = replace(self._record, message=text)
            self._ended.set()

    def _make(self, settings: RunSettings) -> None:
        run_id = self._active = self._launch(settings)
        if run_id is None:
            return
        asked = False
        while (run := self._runner.record(run_id)) is not None and run.running:
            if self._abort.is_set() and not asked:
                asked = self._runner.abort(run_id, actor=self._record.actor)
            self._attend()
            self._ended.wait(_TICK_S)
        self._active = None
        if run is None:
            return  # forgotten by a runner that was closed
        self._record = replace(self._record.with_cell(cell_of(settings, run)), message="")
        self._keep()
        if run.unreached is not None:
            raise PreflightError(run.unreached, out_of_reach=True)  # the next would but wait for the same

    def _launch(self, settings: RunSettings) -> str | None:
        """Begin the next run, once one that somebody else has begun in between is over; None when aborted."""
        while not self._abort.is_set():
            try:
                return self._runner.launch(settings, actor=self._record.actor, sweep=self._record.sweep_id)
            except RunInProgress as other:
                self._record = replace(self._record, message=f"Waiting for the end of run {other.run_id}.")
                self._attend()
                self._abort.wait(_TICK_S)
        return None

    def _keep(self) -> None:
        record = self._record
        self._store.save_sweep(record.sweep_id, record.created_at, to_document(record), status=record.status)
        self._said_at = time.monotonic()

    def _attend(self) -> None:
        """Say, from time to time, that the sweep goes on: a console of another host cannot see this one."""
        if time.monotonic() - self._said_at >= _STILL_ALIVE_S:
            self._said_at = time.monotonic()
            with suppress(StoreError):  # the next run that is kept tells what is wrong with the history
                self._store.attend_sweep(self._record.sweep_id)
