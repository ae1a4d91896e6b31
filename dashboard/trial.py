"""One trial: a clean start, N variants released at once, evidence until all is settled, a verdict.

    restart -> alive -> release -> settle -> verdict

It settles by evidence: every variant has ended, no load is under way, and the log has shown every event that
the worker says it has written. Nothing sleeps for a fixed time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from dashboard.evidence import Gap, LogLine, WorkerEnd, WorkerReport
from dashboard.ledger import read_ledger
from dashboard.logs import LogRing
from dashboard.memory import Memory
from dashboard.memory_watch import MemoryWatch
from dashboard.record import Step, TrialRecord
from dashboard.settings import RunSettings
from dashboard.settling import RollCall
from dashboard.targets.base import Session, Target, TargetError, TargetUnreachable
from dashboard.timeline import Timeline
from dashboard.triggers.base import Trigger, TriggerError, TriggerUnreachable, plan_variants
from dashboard.verdict import judge, red_facts
from loader.events import parse_line

__all__ = ["Trial"]

_ALIVE_TIMEOUT_S: Final = 60.0
_ARM_TIMEOUT_S: Final = 60.0
_TICK_S: Final = 0.05
_QUIET_S: Final = 1.0
"""How long the log of a worker that gives no report must be still before the trial counts as settled."""
_FILLS: Final = 20
"""Questions for lost lines: each is answered by one process, whichever that is."""
_WARM: Final = (
    "The model was loaded before the release on purpose: this trial holds when nothing is loaded, which by "
    "itself proves nothing of loading. It belongs to a sweep."
)
_FIRST_S: Final = 5.0
_LATE_S: Final = 10.0
"""How long after the variants' own timeout a load may go on before the trial is cut."""


class Trial:
    """Runs one trial on the calling thread. Threading: `snapshot` and `ring` may be read from any thread."""

    def __init__(
        self,
        target: Target,
        settings: RunSettings,
        planned: TrialRecord,
        *,
        on_step: Callable[[Step, str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._target, self._settings = target, settings
        self._on_step, self._on_change = on_step, on_change
        self._record = replace(planned, variants=plan_variants(settings.jobs, settings.variants_per_job))
        self._timeline = Timeline(target.profile)
        self._moved = threading.Event()
        self._last_line = time.monotonic()
        self._trigger: Trigger | None = None
        self._session: Session | None = None
        self._baseline: tuple[str, int] | None = None
        self._roll = RollCall()
        self._watch: MemoryWatch | None = None
        self._told: dict[str, Mapping[str, Any]] = {}  # the newest report of each worker
        self._before: Mapping[str, Any] = {}  # the report of a worker that was not started for this trial
        self.ring: LogRing | None = None

    @property
    def versions(self) -> Mapping[str, str]:
        """What a worker of ours tells of the libraries that it runs with; empty for anybody else's."""
        told = (report.get("versions") for report in self._told.values())
        found = next((each for each in told if isinstance(each, Mapping)), {})
        return {str(name)[:40]: str(version)[:80] for name, version in list(found.items())[:20]}

    def snapshot(self) -> TrialRecord:
        """Return the trial as it stands."""
        trigger = self._trigger
        if self._record.ended_at is not None:
            return self._record
        usage = () if self._session is None else self._session.usage()
        memory = self._record.memory
        if memory is None and self._watch is not None and (samples := self._watch.samples()):
            memory = Memory(samples)
        if trigger is None:
            return replace(self._record, usage=usage, memory=memory)
        variants = trigger.variants
        sent = [variant.sent for variant in variants if variant.sent is not None]
        return replace(
            self._record,
            variants=variants,
            released_at=min(sent, default=None),
            skew_ms=trigger.skew_ms,
            events=self._timeline.events(),
            usage=usage,
            memory=memory,
        )

    def run(self, abort: threading.Event, *, stop_when_red: bool = False) -> TrialRecord:
        """Make the trial and return its record with the verdict; never raises for what happens to it.

        `abort` cuts it short, with all that was seen kept. With `stop_when_red` the first red fact ends it.
        """
        session: Session | None = None
        cut: str | None = None
        unreached: str | None = None
        try:
            session = self._start(abort)
            self._watch = MemoryWatch(session.memory)
            self._watch.begin()  # its first sample is taken while the connections are opened
            self._release(session, abort)
            cut = self._settle(session, abort, stop_when_red=stop_when_red)
            self._weigh(session, settled=cut is None and not stop_when_red)
        except (TargetUnreachable, TriggerUnreachable) as error:
            cut = unreached = str(error)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the trial ends with what was seen
            cut = _told(error)
        ends: tuple[WorkerEnd, ...] = ()
        gaps: tuple[Gap, ...] = ()
        try:
            ends = self._finish(session, force=stop_when_red or abort.is_set())
            gaps = () if session is None else session.gaps()
        except Exception as error:  # noqa: BLE001 - as above
            cut = cut or _told(error)
        if abort.is_set():
            cut = "The run was aborted."
        record = replace(
            self.snapshot(),
            events=self._timeline.events(),
            ends=ends,
            gaps=(*self._timeline.gaps(), *gaps),
            aborted=cut,
            unasked=self._roll.unasked,
            reports=self._reports(),
            # A worker that ended by itself was there, and could not be reached for that reason
            unreached=None if ends or abort.is_set() else unreached,
            ended_at=time.time(),
        )
        self._on_step("verdict", "Judging what was seen.")
        self._record = replace(record, verdict=judge(record.evidence()))
        self._on_change()
        return self._record

    def _start(self, abort: threading.Event) -> Session:
        self._on_step("restart", self._target.beginning(self._settings))
        asked = time.monotonic()
        session = self._target.start(
            self._settings, self._record.guard, self._record.source, self._take, cancelled=abort.is_set
        )
        self._session, self.ring = session, session.ring
        try:
            if session.listens_early:  # both take about as long: a process for each, side by side
                self._trigger = self._open_trigger(session)
            self._on_step("alive", "Waiting until it is ready.")
            worker = session.wait_alive(_ALIVE_TIMEOUT_S, cancelled=abort.is_set)
            self._trigger = self._trigger or self._open_trigger(session)
            self._baseline = session.baseline
            if self._settings.warm:
                self._on_step("alive", "Loading the model before the release, as in a warm service.")
                self._baseline = session.warm_up(self._settings.timeout_s, cancelled=abort.is_set)
        except BaseException:
            session.close(force=True)
            raise
        if self._baseline is not None:
            self._timeline.begin_after(*self._baseline)
            self._before = session.loader_report(self._since, cancelled=abort.is_set) or {}
        self._record = replace(
            self._record,
            workers=(worker,) if worker is not None else (),
            stranger=worker is None,
            notes=(*session.notes, _WARM) if self._settings.warm else session.notes,
            alive_s=time.monotonic() - asked,
        )
        return session

    def _open_trigger(self, session: Session) -> Trigger:
        return session.open_trigger(
            self._record.variants, timeout_s=self._settings.timeout_s, on_change=self._move
        )

    def _release(self, session: Session, abort: threading.Event) -> None:
        assert self._trigger is not None  # made by _start
        count = len(self._record.variants)
        self._on_step("release", f"Opening {count:,} connections and releasing {count:,} variants at once.")
        self._trigger.arm(_ARM_TIMEOUT_S, cancelled=abort.is_set)
        assert self._watch is not None  # made by run
        self._watch.wait_begun(_FIRST_S)
        if not abort.is_set():
            self._trigger.release()

    def _settle(self, session: Session, abort: threading.Event, *, stop_when_red: bool) -> str | None:
        """Wait until there is nothing more to see; return why it was cut, if it was."""
        assert self._trigger is not None  # made by _start
        self._on_step("settle", "Waiting until every variant has ended and the log is complete.")
        deadline = time.monotonic() + self._settings.timeout_s + _LATE_S
        while not abort.is_set():
            self._moved.wait(_TICK_S)
            self._moved.clear()
            if session.end is not None:
                return None
            if session.fault is not None:
                return session.fault
            if stop_when_red and red_facts(self.snapshot().evidence()):
                return None
            if self._trigger.done and self._trigger.unreached is not None:
                raise TriggerUnreachable(self._trigger.unreached)
            if self._trigger.done and self._settled(session, abort):
                return None
            if time.monotonic() > deadline:
                return (
                    f"It was not settled {_LATE_S:g} s after the timeout of {self._settings.timeout_s:g} s. "
                    "A load was still going on, or the worker no longer told of its loads (/loader). Raise "
                    "the timeout if such a load is to be expected, else look at the worker's log."
                )
        return "The run was aborted."

    def _settled(self, session: Session, abort: threading.Event) -> bool:
        seen = self._seen()
        since = max((newest for newest in seen.values() if newest is not None), default=self._since)
        report = session.loader_report(since=since, cancelled=abort.is_set)
        quiet = time.monotonic() - self._last_line > _QUIET_S
        if report is None:
            # A worker of ours that does not answer may have loads to tell of: its silence settles nothing.
            return quiet and not self._is_ours() and not self._is_loading()
        self._told[report.get("boot", "")] = report
        if not self._roll.settled(report, seen):
            return False
        # Of whoever cannot be asked only the log tells
        return not self._roll.unasked or (quiet and not self._is_loading())

    def _weigh(self, session: Session, *, settled: bool) -> None:
        """Take the last sample of the memory, and put the series into the record."""
        assert self._watch is not None  # made by run
        self._watch.close()
        taken = settled and session.end is None and self._watch.take()
        yardstick = session.yardstick(next(iter(self._told.values()), None))
        self._record = replace(self._record, memory=Memory(self._watch.samples(), yardstick, settled=taken))

    def _reports(self) -> tuple[WorkerReport, ...]:
        """What each worker told last of its loads, if the log had all of it by then."""
        seen = self._seen()
        before = self._before.get("counts", {})
        return tuple(
            WorkerReport(
                boot,
                report["model"],
                {kind: count - before.get(kind, 0) for kind, count in report["counts"].items()},
            )
            for boot, report in self._told.items()
            if boot in seen and report.get("model") and report.get("seq") == seen[boot]
            # What another process had counted before the trial, nobody has asked
            if self._baseline is None or boot == self._before.get("boot")
        )

    def _seen(self) -> dict[str, int | None]:
        """Each known worker, with the number of its newest event in the log."""
        known = {worker.boot for worker in self._record.workers}
        known |= {variant.boot for variant in self.snapshot().variants if variant.boot is not None}
        seen: dict[str, int | None] = dict.fromkeys(sorted(known), 0 if self._baseline is None else None)
        if self._baseline is not None and self._baseline[0] in seen:
            seen[self._baseline[0]] = self._since
        # Only its own: a line with a boot that somebody made up must not end the wait
        for event in self._timeline.events():
            if event.boot in seen and event.seq is not None:
                seen[event.boot] = max(seen[event.boot] or 0, event.seq)
        return seen

    @property
    def _since(self) -> int:
        return 0 if self._baseline is None else self._baseline[1]

    def _is_ours(self) -> bool:
        return any(event.boot is not None for event in self._timeline.events())

    def _is_loading(self) -> bool:
        ledger = read_ledger(self.snapshot().evidence())
        return any(attempt.open for account in ledger.accounts for attempt in account.attempts)

    def _finish(self, session: Session | None, *, force: bool) -> tuple[WorkerEnd, ...]:
        try:
            if self._trigger is not None:
                self._trigger.close()
            if session is None:
                return ()
            end = session.end
            if end is None and not force:
                self._fill_gaps(session)
            session.close(force=force)
            end = end or session.end  # an end in the last moment is seen while closing
            return (end,) if end is not None else ()
        finally:
            if self._watch is not None:
                self._watch.close()
            if session is not None:
                session.close(force=force)

    def _fill_gaps(self, session: Session) -> None:
        """Ask the workers themselves for events whose lines were lost on their way."""
        wanted = set(self._seen())
        for _ in range(_FILLS):
            report = session.loader_report() if self._timeline.gaps() else None
            if report is None:
                return
            told = (parse_line(event["line"]) for event in report["events"])
            self._timeline.fill(event for event in told if event is not None)
            wanted.discard(report.get("boot", ""))
            if not wanted:
                return

    def _take(self, lines: tuple[LogLine, ...]) -> None:
        self._last_line = time.monotonic()
        for line in lines:
            if line.stream != "engine":
                self._timeline.feed(line)
        self._move()

    def _move(self) -> None:
        self._moved.set()
        self._on_change()


def _told(error: Exception) -> str:
    if isinstance(error, TargetError | TriggerError):
        return str(error)
    return (
        f"The console could not go on with it ({type(error).__name__}: {error}). If it stays so, look at the "
        "memory, the open files and the processes that this machine allows."
    )
