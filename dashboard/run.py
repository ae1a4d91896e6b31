"""One run, on a thread of its own: trials, control, verdict, store.

preflight --> [ warm-up --> trial x repeat ] --> control --> verdict --> store
                               record() <-- any page, any tab, the command line
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from dashboard.evidence import Control, Counts, Reason, Verdict
from dashboard.logs import LogRing
from dashboard.record import RunRecord, RunStatus, Step, TrialRecord
from dashboard.settings import Guard, RunSettings
from dashboard.store import Store, StoreError
from dashboard.targets.base import Target
from dashboard.trial import Trial
from dashboard.verdict import with_control, worst

__all__ = ["Run"]

_CONTROL_TRIES: Final = 3
_SAVE_EVERY_S: Final = 2.0


class Run:
    """One run and its thread. Threading: everything but `start` may be called from any thread, at once."""

    def __init__(self, run_id: str, settings: RunSettings, actor: str, target: Target, store: Store) -> None:
        self._target, self._store = target, store
        self._lock = threading.Lock()  # guards the record and its version: a picture is replaced whole
        self._record = RunRecord(run_id, settings, actor, created_at=time.time())
        self._version = 1
        self._trials: list[TrialRecord] = []
        self._live: Trial | None = None
        self._rings: dict[str, LogRing] = {}
        self._abort = threading.Event()
        self._abort_status: RunStatus = "aborted"
        self._saved_at = 0.0
        self._thread = threading.Thread(target=self._work, name=f"run-{run_id}")

    @property
    def version(self) -> int:
        """Grows with every change of the record."""
        return self._version

    def record(self) -> RunRecord:
        """Return the run as it stands."""
        with self._lock:
            record, trials, live = self._record, tuple(self._trials), self._live
        if live is not None:
            trials = (*trials, live.snapshot())
        return replace(record, trials=trials)

    def rings(self) -> Mapping[str, LogRing]:
        """Return the logs of the trials so far, by source."""
        with self._lock:
            rings, live = dict(self._rings), self._live
        if live is not None and live.ring is not None:
            rings[live.ring.source] = live.ring
        return rings

    def start(self) -> None:
        """Begin. The first save has been made when this returns, so that the run is in the history.

        Raises:
            StoreError: it could not be saved; the run was not begun.
        """
        self._store.save(self.record())
        self._thread.start()

    def abort(self, status: RunStatus = "aborted") -> None:
        """Ask the run to end now, with all that it has seen. Idempotent."""
        self._abort_status = status
        self._abort.set()

    def wait(self, timeout: float | None) -> None:
        """Block until the run has ended and is stored."""
        self._thread.join(timeout)

    # ------------------------------------------------------------------ on the run's own thread

    def _work(self) -> None:
        try:
            if self._warm_up():
                self._make_trials()
        except Exception as error:  # noqa: BLE001 - whatever breaks, the run ends with a record that says so
            self._warn(f"The console failed in the middle of the run ({type(error).__name__}: {error}).")
        finally:
            self._finish()

    def _warm_up(self) -> bool:
        self._step("warm-up", self._target.warmth().text)
        while (warmth := self._target.wait_warm(0.2)).state == "importing":
            if self._abort.is_set():
                return False
        if warmth.state == "failed":
            self._warn(warmth.text)
            return False
        self._set(versions=warmth.versions)
        return True

    def _make_trials(self) -> None:
        settings = self._record.settings
        for number in range(1, settings.repeat + 1):
            if self._abort.is_set():
                return
            source = f"trial-{number}"
            self._trial(TrialRecord(number, "trial", settings.guard, source, started_at=time.time()))
        if settings.wants_control and worst(self._verdicts()).verdict == "green":
            self._make_control()

    def _make_control(self) -> None:
        guard: Guard = "off"
        seen: list[TrialRecord] = []
        for number in range(1, _CONTROL_TRIES + 1):
            if self._abort.is_set():
                return
            source = f"control-{number}"
            planned = TrialRecord(number, "control", guard, source, started_at=time.time())
            seen.append(self._trial(planned, stop_when_red=True))
            colours = [trial.verdict.verdict for trial in seen if trial.verdict is not None]
            telling = seen[-1].verdict
            if telling is not None:
                counts, reasons, red = telling.counts, telling.reasons, colours.count("red")
                verdict = "red" if red else telling.verdict
                self._set(control=Control(verdict, guard, len(seen), red, counts, reasons))
            if "red" in colours:
                return

    def _trial(self, planned: TrialRecord, *, stop_when_red: bool = False) -> TrialRecord:
        what = "control, guard off" if planned.role == "control" else f"trial {planned.number}"
        repeat = self._record.settings.repeat
        if planned.role == "trial" and repeat > 1:
            what += f" of {repeat}"
        live = Trial(
            self._target,
            self._record.settings,
            planned,
            on_step=lambda step, message: self._step(step, f"{message} ({what})"),
            on_change=self._changed,
        )
        with self._lock:
            self._live = live
        record = live.run(self._abort, stop_when_red=stop_when_red)
        with self._lock:
            self._live = None
            self._trials.append(record)
            if live.ring is not None:
                self._rings[live.ring.source] = live.ring
        self._changed()
        if live.ring is not None:
            self._keep_log(live.ring)
        self._save(at_most_every=_SAVE_EVERY_S)
        return record

    def _verdicts(self) -> list[Verdict]:
        return [
            trial.verdict for trial in self._trials if trial.role == "trial" and trial.verdict is not None
        ]

    def _finish(self) -> None:
        settings, verdicts = self._record.settings, self._verdicts()
        if verdicts:
            wanted = settings.wants_control and not self._abort.is_set()
            verdict = with_control(worst(verdicts), self._record.control, wanted=wanted)
        else:
            why = (
                self._record.warnings[-1] if self._record.warnings else "The run was aborted before a trial."
            )
            verdict = Verdict("inconclusive", (Reason("aborted", why),), Counts())
        status: RunStatus = "finished"
        if self._abort.is_set():
            status = self._abort_status
        elif not verdicts:
            status = "failed"
        self._step("store", "Keeping the record.")
        self._set(status=status, verdict=verdict, step="done", message="", finished_at=time.time())
        self._save()

    def _keep_log(self, ring: LogRing) -> None:
        # After each trial, not at the end of all: a console that is killed shall leave what it has seen.
        try:
            self._store.save_log(self._record.run_id, ring.source, ring.read(0, limit=ring.next).lines)
        except StoreError as error:
            self._warn(f"The log of {ring.source} could not be kept: {error}")

    def _save(self, *, at_most_every: float = 0.0) -> None:
        if time.monotonic() - self._saved_at < at_most_every:
            return
        self._saved_at = time.monotonic()
        try:
            self._store.save(self.record())
        except StoreError as error:
            self._warn(f"The run could not be kept: {error}")

    def _step(self, step: Step, message: str) -> None:
        self._set(step=step, message=message)

    def _warn(self, text: str) -> None:
        self._set(warnings=(*self._record.warnings, text))

    def _set(self, **changes: object) -> None:
        with self._lock:
            self._record = replace(self._record, **changes)  # type: ignore[arg-type]  # fields by name
        self._changed()

    def _changed(self) -> None:
        with self._lock:
            self._version += 1
