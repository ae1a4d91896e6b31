"""The record of a run: what is shown while it runs, kept when it has ended, and opened again in full.

A record is an immutable picture. The run replaces it as it goes on (`dataclasses.replace`), so that a page,
a report and the store may read one at any time, from any thread, without a lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, get_args

from dashboard.evidence import (
    Control,
    Evidence,
    Gap,
    LogEvent,
    Variant,
    Verdict,
    Worker,
    WorkerEnd,
    WorkerReport,
)
from dashboard.memory import Memory
from dashboard.settings import Guard, RunSettings
from dashboard.usage import Usage

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "STEPS",
    "RunRecord",
    "RunStatus",
    "Step",
    "TrialRecord",
    "from_json",
    "new_run_id",
    "to_json",
    "with_live",
]

RunStatus = Literal["running", "finished", "aborted", "failed", "interrupted"]
Step = Literal["preflight", "warm-up", "restart", "alive", "release", "settle", "verdict", "store", "done"]
STEPS: Final[tuple[Step, ...]] = get_args(Step)


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One release of all variants at one fresh worker.

    Attributes:
        role: `trial`, or `control` for the same with the guard off.
        source: name of the worker's log among the run's logs.
        released_at: when the barrier opened, Unix seconds; None before.
        skew_ms: from the first request's departure to the last one's.
        aborted: why the trial was cut short, in words.
        unreached: the same, where nothing answered at the target or its trigger; None if anything did.
        stranger: the service is not our worker: nothing but its log tells of its processes.
        alive_s: seconds from asking for the worker until it answered `/healthz`.
        notes: sentences for the reader that change no verdict.
        unasked: boots of known workers that answered no question (`/loader`) before the trial was settled.
        usage: what a container used of its machine, from its start to the trial's end.
        reports: what workers of ours told of themselves, once all was settled.
        memory: what the worker's process held; None where nobody could measure that.
        in_short: its variants, its log and most events were left out, see `dashboard.thinning`.
    """

    number: int
    role: Literal["trial", "control"]
    guard: Guard
    source: str
    started_at: float
    released_at: float | None = None
    ended_at: float | None = None
    skew_ms: float | None = None
    alive_s: float | None = None
    variants: tuple[Variant, ...] = ()
    events: tuple[LogEvent, ...] = ()
    workers: tuple[Worker, ...] = ()
    stranger: bool = False
    ends: tuple[WorkerEnd, ...] = ()
    gaps: tuple[Gap, ...] = ()
    aborted: str | None = None
    unreached: str | None = None
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    usage: tuple[Usage, ...] = ()
    reports: tuple[WorkerReport, ...] = ()
    memory: Memory | None = None
    in_short: bool = False

    def evidence(self) -> Evidence:
        """Return what the verdict is judged from."""
        return Evidence(
            events=self.events,
            variants=self.variants,
            workers=None if self.stranger else self.workers,
            released_at=self.released_at,
            ends=self.ends,
            gaps=self.gaps,
            aborted=self.aborted,
            notes=self.notes,
            unasked=self.unasked,
            reports=self.reports,
            memory=self.memory,
        )


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run.

    Attributes:
        run_id: sorts by time, e.g. `20261123-084512-3f9c1a`.
        actor: who launched it: the signed-in user, or `local`.
        status: `failed` means that the console could not make the trials, or not all of them (the verdict's
            reason says why and what to do next); `interrupted` that the console ended in the middle.
        step: where the current trial is. message: one sentence for people about the current step.
        created_at, finished_at: Unix seconds.
        verdict: the worst of all trials', the control considered; None while running.
        trials: in the order in which they were made, controls among them.
        versions: of python, torch, transformers, …, as told by the worker's side.
        warnings: sentences about what went wrong beside the trial, such as a full disk.
        sweep: id of the sweep that it was made for; None for a run of its own.
        unkept: why the history does not hold this record, or a log of it, and what to do; None when it does.
    """

    run_id: str
    settings: RunSettings
    actor: str
    created_at: float
    status: RunStatus = "running"
    step: Step = "preflight"
    message: str = ""
    finished_at: float | None = None
    verdict: Verdict | None = None
    control: Control | None = None
    trials: tuple[TrialRecord, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    sweep: str | None = None
    unkept: str | None = None

    @property
    def running(self) -> bool:
        """Whether the run has not come to its end."""
        return self.status == "running"

    @property
    def unreached(self) -> str | None:
        """Why the target is out of reach, as a sentence; None when any trial got to it, or was red."""
        if self.running or (self.verdict is not None and self.verdict.verdict == "red"):
            return None
        told = [trial.unreached for trial in self.trials]
        return None if None in told else next(iter(told), None)

    @property
    def shown_trial(self) -> TrialRecord | None:
        """The trial to look at: the first one with the run's own verdict, else the newest proper one."""
        proper = [trial for trial in self.trials if trial.role == "trial"]
        if not proper:
            return None
        if self.verdict is not None:
            for trial in proper:
                if trial.verdict is not None and trial.verdict.verdict == self.verdict.verdict:
                    return trial
        return next((trial for trial in reversed(proper) if not trial.in_short), proper[-1])


def to_json(record: RunRecord) -> bytes:
    """Return the record as one JSON document; `from_json` is its inverse."""
    try:
        return _adapter().dump_json(record)
    except ValueError:  # a lone surrogate, which a worker's line can escape and UTF-8 cannot write
        document = _adapter().dump_python(record, mode="json")
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def from_json(document: bytes | str) -> RunRecord:
    """Return the record that `to_json` wrote. Unknown keys, of a later version, are passed over.

    Raises:
        ValueError: the document is no JSON, lacks a field, or holds a value of another type.
    """
    return _adapter().validate_json(document)


def with_live(record: RunRecord, live: RunRecord) -> RunRecord:
    """Return the record of a run with the newest picture of its trial under way, the only one of `live`."""
    new = {(trial.role, trial.number) for trial in live.trials}
    before = tuple(trial for trial in record.trials if (trial.role, trial.number) not in new)
    return replace(live, trials=(*before, *live.trials))


@cache
def _adapter() -> TypeAdapter[RunRecord]:
    # Late and once: it costs what a process without a record need not spend, the import above all.
    from pydantic import TypeAdapter

    return TypeAdapter(RunRecord)


def new_run_id(now: datetime, token: str) -> str:
    """Return a run id that sorts by time and does not collide: the UTC second and a random token."""
    return f"{now:%Y%m%d-%H%M%S}-{token}"
