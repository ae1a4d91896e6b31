"""The record of a run: what is shown while it runs, kept when it has ended, and opened again in full.

A record is an immutable picture. The run replaces it as it goes on (`dataclasses.replace`), so that a page,
a report and the store may read one at any time, from any thread, without a lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from dashboard.evidence import Control, LogEvent, Variant, Verdict, Worker, WorkerEnd
from dashboard.settings import Guard, RunSettings

__all__ = ["STEPS", "RunRecord", "RunStatus", "Step", "TrialRecord", "from_json", "new_run_id", "to_json"]

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
        alive_s: seconds from asking for the worker until it answered `/healthz`.
        notes: sentences for the reader that change no verdict.
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
    ends: tuple[WorkerEnd, ...] = ()
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run.

    Attributes:
        run_id: sorts by time, e.g. `20261123-084512-3f9c1a`.
        actor: who launched it: the signed-in user, or `local`.
        status: `failed` means that no trial could be made (`message` says why and what to do next);
            `interrupted` that the console ended in the middle.
        step: where the current trial is. message: one sentence for people about the current step.
        created_at, finished_at: Unix seconds.
        verdict: the worst of all trials', the control considered; None while running.
        trials: in the order in which they were made, controls among them.
        versions: of python, torch, transformers, …, as told by the worker's side.
        warnings: sentences about what went wrong beside the trial, such as a full disk.
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

    @property
    def running(self) -> bool:
        """Whether the run has not come to its end."""
        return self.status == "running"

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
        return proper[-1]


def to_json(record: RunRecord) -> dict[str, Any]:
    """Return the record as plain JSON types; `from_json` is its inverse."""
    return asdict(record)


def from_json(document: Mapping[str, Any]) -> RunRecord:
    """Return the record that `to_json` wrote. Unknown keys, of a later version, are passed over.

    Raises:
        ValueError: the document lacks a field that has no default, or holds a value of another type.
    """
    try:
        record: RunRecord = _build(RunRecord, document)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no record of a run: {error}") from error
    return record


def _build(kind: Any, value: Any) -> Any:
    """Rebuild a value of the annotated type `kind` out of JSON types."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None:
            return None
        inner = next(argument for argument in arguments if argument is not type(None))
        return _build(inner, value)
    if origin is tuple:
        return tuple(_build(arguments[0], item) for item in value)
    if hasattr(kind, "__dataclass_fields__"):
        hints = _hints(kind)
        return kind(**{name: _build(hint, value[name]) for name, hint in hints.items() if name in value})
    return value


_HINTS: Final[dict[type, dict[str, Any]]] = {}


def _hints(kind: type) -> dict[str, Any]:
    # Resolving annotations costs more than building the object, and a record holds thousands of events.
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    return _HINTS[kind]


def new_run_id(now: datetime, token: str) -> str:
    """Return a run id that sorts by time and does not collide: the UTC second and a random token."""
    return f"{now:%Y%m%d-%H%M%S}-{token}"
