"""One run, on a thread of its own: trials, control, verdict, store.

preflight --> [ warm-up --> trial x repeat ] --> control --> verdict --> store
                               record() --> journal --> any page, any tab, the command line
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from dashboard.attendance import Attendance
from dashboard.evidence import Verdict
from dashboard.journal import Journal, RunLog, ShownLog
from dashboard.logs import LogRing
from dashboard.record import RunRecord, RunStatus, Step, TrialRecord
from dashboard.settings import Guard, RunSettings
from dashboard.store import Store, StoreError
from dashboard.targets.base import Target
from dashboard.thinning import in_short, is_kept_whole
from dashboard.trial import Trial
from dashboard.verdict import conclude, control_of, shows_a_race, worst

__all__ = ["Run"]

_CONTROL_TRIES: Final = 3
_SAVE_EVERY_S: Final = 2.0
_LOG: Final = logging.getLogger(__name__)


class Run:
    """One run and its thread. Threading: everything but `start` may be called from any thread, at once.

    Args:
        on_end: is told of the run once it has ended and was kept, on the run's thread.
    """

    def __init__(
        self,
        run_id: str,
        settings: RunSettings,
        actor: str,
        target: Target,
        store: Store,
        *,
        sweep: str | None = None,
        on_end: Callable[[RunRecord], object] | None = None,
    ) -> None:
        self._target, self._store, self._on_end = target, store, on_end
        self._lock = threading.Lock()  # guards the record and its version: a picture is replaced whole
        self._record = RunRecord(run_id, settings, actor, created_at=time.time(), sweep=sweep)
        self._version = 1
        self._trials: list[TrialRecord] = []
        self._live: Trial | None = None
        self._rings: dict[str, LogRing] = {}
        self._abort = threading.Event()
        self._abort_status: RunStatus = "aborted"
        self._broken: str | None = None  # why the run did not come to its end, if nobody aborted it
        # guards what is still to be kept: two launches may try again at once, beside the attendance
        self._keeping = threading.Lock()
        self._unkept: str | None = None
        self._unkept_logs: dict[str, LogRing] = {}
        self._saved_at = 0.0
        self._journal: Journal | None = None  # begun with the run
        # Not the thread's own end: a Ctrl-C in Thread.join makes Python 3.11 take a live thread for ended.
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"run-{run_id}")

    @property
    def version(self) -> int:
        """Grows with every change of the record."""
        return self._version

    def record(self) -> RunRecord:
        """Return the run as it stands, for whoever shows it: whatever ends this process, it is not lost."""
        record, unkept = self._seen(), self._unkept
        trouble = None if self._journal is None or not record.running else self._journal.trouble
        if unkept is None and trouble is None:
            return record
        warnings = (*record.warnings, *filter(None, (unkept, trouble)))
        return replace(record, warnings=warnings, unkept=unkept)

    def _seen(self) -> RunRecord:
        return self._picture() if self._journal is None else self._journal.show(self._picture)

    def _picture(self) -> RunRecord:
        with self._lock:
            record, trials, live = self._record, tuple(self._trials), self._live
        if live is not None:
            trials = (*trials, live.snapshot())
        return replace(record, trials=trials)

    def rings(self) -> Mapping[str, RunLog]:
        """Return the logs of the trials so far, by source, for whoever shows them."""
        journal, rings = self._journal, self._all_rings()
        return rings if journal is None else {name: ShownLog(ring, journal) for name, ring in rings.items()}

    def _all_rings(self) -> Mapping[str, LogRing]:
        with self._lock:
            rings, live = dict(self._rings), self._live
        if live is not None and live.ring is not None:
            rings[live.ring.source] = live.ring
        return rings

    def start(self) -> None:
        """Begin. The first save has been made when this returns, so that the run is in the history.

        Where the system gives no thread the run has ended when this returns, with that as its reason.

        Raises:
            StoreError: it could not be saved; the run was not begun.
        """
        first = self._picture()
        self._store.save(first)
        if self._store.journals is not None:
            self._journal = self._store.journals.begin(first, self._all_rings)
        self._attendance = Attendance(
            self._store,
            picture=self._seen,
            version=lambda: self._version,
            rings=self._all_rings,
            lock=self._keeping,
            on_abort=lambda _actor: self.abort(),
            journal=self._journal,
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            self._break_off(error)
            self._finish()
            self._ended.set()

    def abort(self, status: RunStatus = "aborted") -> None:
        """Ask the run to end now, with all that it has seen. Idempotent."""
        self._abort_status = status
        self._abort.set()

    def wait(self, timeout: float | None) -> bool:
        """Block until the run has ended and was stored, if it could be; False after `timeout` seconds."""
        return self._ended.wait(timeout)

    def keep(self) -> None:
        """Try again to keep what the history refused of this run; does nothing while it goes on."""
        if self._ended.is_set() and self._unkept is not None:
            self._keep()
            self._changed()

    # ------------------------------------------------------------------ on the run's own thread

    def _work(self) -> None:
        self._attendance.begin()
        try:
            if self._warm_up():
                self._make_trials()
        except Exception as error:  # noqa: BLE001 - whatever breaks, the run ends with a record that says so
            self._break_off(error)
        finally:
            try:
                self._finish()
            finally:
                self._ended.set()

    def _warm_up(self) -> bool:
        self._step("warm-up", self._target.warmth().text)
        while (warmth := self._target.wait_warm(0.2)).state == "importing":
            if self._abort.is_set():
                return False
        if warmth.state == "failed":
            self._broken = warmth.text
            return False
        self._set(versions=warmth.versions)
        return True

    def _make_trials(self) -> None:
        settings = self._record.settings
        for number in range(1, settings.repeat + 1):
            if self._abort.is_set():
                return
            source = f"trial-{number}"
            made = self._trial(TrialRecord(number, "trial", settings.guard, source, started_at=time.time()))
            if made.unreached is not None:
                self._broken = made.unreached  # the next trial would but wait as long for the same
                return
        if settings.wants_control and worst(self._verdicts()).verdict == "green":
            self._make_control()

    def _make_control(self) -> None:
        guard: Guard = "off"
        tries: list[Verdict] = []
        asked = self._record.settings.control_tries
        for number in range(1, (asked or _CONTROL_TRIES) + 1):
            if self._abort.is_set():
                return
            source = f"control-{number}"
            planned = TrialRecord(number, "control", guard, source, started_at=time.time())
            seen = self._trial(planned, stop_when_red=True).verdict
            assert seen is not None  # a trial that has been made was judged
            raced = shows_a_race(seen)
            if self._abort.is_set() and not raced:
                return  # cut short: whether it would have gone red, nobody knows
            tries.append(seen)
            self._set(control=control_of(tries, guard))
            if raced and asked is None:
                return  # one that is red is enough

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
        if live.versions:  # in a container nobody knows them before
            self._set(versions={**live.versions, **self._record.versions})
        whole = is_kept_whole(record, self._trials)
        ring = live.ring if whole else None
        with self._lock:
            self._live = None
            self._trials.append(record if whole else in_short(record))
            if ring is not None:
                self._rings[ring.source] = ring
        self._changed()
        if ring is not None:
            self._keep_log(ring)
        else:
            with self._keeping:
                self._attendance.forget(self._record.run_id, record.source)
                if self._journal is not None:
                    self._journal.lines_kept(record.source, sys.maxsize)
        self._save(at_most_every=_SAVE_EVERY_S)
        return record

    def _verdicts(self) -> list[Verdict]:
        return [
            trial.verdict for trial in self._trials if trial.role == "trial" and trial.verdict is not None
        ]

    def _finish(self) -> None:
        self._attendance.end()
        settings, verdicts = self._record.settings, self._verdicts()
        aborted = self._abort.is_set()
        cut = self._broken
        if aborted:
            by = "aborted" if self._abort_status == "aborted" else "interrupted by the end of the console"
            cut = f"The run was {by}."
        verdict = conclude(
            verdicts,
            self._record.control,
            repeat=settings.repeat,
            wants_control=settings.wants_control,
            cut=cut,
        )
        status: RunStatus = "finished"
        if aborted:
            status = self._abort_status
        elif cut is not None or not verdicts:
            status = "failed"
        warnings = self._record.warnings
        if cut is not None and not any(cut in reason.text for reason in verdict.reasons):
            warnings = (*warnings, cut)  # beside a red verdict, which needs no other reason
        self._step("store", "Keeping the record.")
        final: dict[str, Any] = {
            "status": status,
            "verdict": verdict,
            "warnings": warnings,
            "finished_at": time.time(),
        }
        final |= {"step": "done", "message": ""}
        self._keep(**final)  # first: who sees that the run has ended shall also see whether it was kept
        self._set(**final)
        if self._on_end is not None:
            try:
                self._on_end(self.record())
            except Exception:  # noqa: BLE001 - whoever wants to know may fail: the run has ended all the same
                _LOG.exception("The end of run %s could not be told", self._record.run_id)

    def _keep_log(self, ring: LogRing) -> None:
        # After each trial, not at the end of all: a console that is killed shall leave what it has seen.
        with self._keeping:
            self._unkept_logs[ring.source] = ring
            self._save_logs(ring.source)

    def _save(self, *, at_most_every: float) -> None:
        if time.monotonic() - self._saved_at >= at_most_every:
            self._keep()

    def _keep(self, **final: Any) -> None:
        """Save the record, with its last fields when it ends, and every log that could not be kept so far."""
        with self._keeping:
            self._saved_at = time.monotonic()
            seen = self._seen()
            try:
                self._store.save(replace(seen, **final))
            except StoreError as error:
                self._unkept = f"The history does not hold this result. {error}"
                return
            self._unkept = None
            self._save_logs(*self._unkept_logs)
            if self._journal is not None and (seen.running and not final):
                self._journal.record_kept(seen)
            elif self._journal is not None and self._unkept is None:
                self._journal.end()

    def _save_logs(self, *sources: str) -> None:
        for source in sources:
            ring = self._unkept_logs[source]
            try:
                self._store.save_log(self._record.run_id, source, ring.read(0, limit=ring.next).lines)
            except StoreError as error:
                # One sentence for all: what refuses one log refuses the others too.
                self._unkept = self._unkept or f"The history does not hold every log of this run. {error}"
                return
            del self._unkept_logs[source]
            if self._journal is not None:
                self._journal.lines_kept(source, ring.next)

    def _break_off(self, error: Exception) -> None:
        self._broken = (
            f"The console failed in the middle of the run ({type(error).__name__}: {error}). If it does so "
            "again, look at the memory, the open files and the processes that this machine allows."
        )

    def _step(self, step: Step, message: str) -> None:
        self._set(step=step, message=message)

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._record = replace(self._record, **changes)
        self._changed()

    def _changed(self) -> None:
        with self._lock:
            self._version += 1
