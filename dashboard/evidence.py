"""The facts of a trial and the judgement on them, as frozen data: what every module of the console passes on.

    LogLine --timeline--> LogEvent --+
    Variant (answers) ---------------+--> Evidence --verdict--> Verdict --> pages, reports, history
    Worker (known processes) --------+

Times are Unix seconds (float); durations are seconds unless the name ends in `_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dashboard.memory import Memory
from loader.events import EventKind

__all__ = [
    "Colour",
    "Control",
    "Counts",
    "Evidence",
    "Gap",
    "Latency",
    "LogEvent",
    "LogLine",
    "Reason",
    "Stream",
    "Testimony",
    "Variant",
    "VariantState",
    "Verdict",
    "Witnesses",
    "Worker",
    "WorkerEnd",
    "WorkerReport",
]

Stream = Literal["stdout", "stderr", "engine"]
"""`engine` is the console's own word between a container's lines: a restart, or that lines are lost."""
Colour = Literal["green", "red", "inconclusive"]
Testimony = Literal["agrees", "disagrees", "silent"]
VariantState = Literal["planned", "sent", "answered", "failed"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a source's log, without its newline.

    Attributes:
        source: name of the source: one worker's log on one engine.
        number: absolute position of the line in its source, from 0.
        stream: which of the process's two outputs it came from, or `engine`.
        time: when it was received, or the engine's own stamp where there is one.
        text: the line, decoded; bytes that are no UTF-8 are shown as U+FFFD.
    """

    source: str
    number: int
    stream: Stream
    time: float
    text: str


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A load event as read from a log: ours, with identity, or a stranger's, without.

    Attributes:
        line: number of the `LogLine` that showed it.
        time: the event's own time where the line tells it, else the line's.
        profile: name of the family of patterns that recognised it (`loadonce`, `feedlyai`).
        text: the words of the line, for people.
        boot, seq, load, model, pid, thread: as in `loader.events.LoadEvent`; None where the log does not say.
        fields: further pairs of our own lines (`done`, `total`, `seconds`, `error`, …).
    """

    kind: EventKind
    source: str
    line: int
    time: float
    profile: str
    text: str
    boot: str | None = None
    seq: int | None = None
    load: int | None = None
    model: str | None = None
    pid: int | None = None
    thread: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    """One unit of work that needs the model, and what became of it.

    Attributes:
        sent, answered: when the request left and when the answer was whole; None if that has not happened.
        status: HTTP status of the answer.
        error: one sentence, when state is `failed`.
        boot, pid, host: the worker that answered. load_id: which load's model it used.
        waited_ms, load_ms, infer_ms: as told by the worker.
        answer: the text that the model generated.
    """

    job_id: str
    variant_id: str
    state: VariantState = "planned"
    sent: float | None = None
    answered: float | None = None
    status: int | None = None
    error: str | None = None
    boot: str | None = None
    pid: int | None = None
    host: str | None = None
    load_id: int | None = None
    model_id: str | None = None
    waited_ms: float | None = None
    load_ms: float | None = None
    infer_ms: float | None = None
    answer: str | None = None

    @property
    def latency_s(self) -> float | None:
        """Seconds from sending to the whole answer; None while there is none."""
        if self.sent is None or self.answered is None:
            return None
        return self.answered - self.sent


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process known to belong to the target; `known_by` says how (`healthz`, `answer`, …)."""

    boot: str
    pid: int | None
    source: str
    known_by: str


@dataclass(frozen=True, slots=True)
class WorkerEnd:
    """A worker that ended by itself in the middle of a trial.

    `status` is the exit status, negative for a signal, as in `subprocess`.
    """

    source: str
    time: float
    status: int | None
    out_of_memory: bool = False
    boot: str | None = None


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker of ours says of itself (`/loader`) once all is settled.

    `counts` has how many events of each kind its `model` has had since the baseline.
    """

    boot: str
    model: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Log lines or events that are known to be missing from a source."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything seen in one trial since its baseline.

    `None` says that there is no such source of evidence (a bare log file has no variants); an empty tuple
    says that there is one, and it showed nothing.

    Attributes:
        events: in the order of their sources' logs.
        variants: as launched by us.
        workers: processes known to belong to the target.
        released_at: when the variants were let go.
        ends: workers that ended by themselves. gaps: what is known to be missing.
        aborted: why the trial was cut short, in words.
        expected_workers: how many worker processes a log without pids may hold.
        notes: sentences that are shown beside the verdict and change nothing.
        unasked: boots of known workers that could not be asked whether the log has all of their events.
        reports: what workers of ours say of themselves. memory: what was held; None where nobody measured.
        strays: starts that a log of ours shows in the words of another service, with an end of such a load.
        errors: lines of a log that name a known error, for the diagnosis; they change no verdict.
    """

    events: tuple[LogEvent, ...]
    variants: tuple[Variant, ...] | None = None
    workers: tuple[Worker, ...] | None = None
    released_at: float | None = None
    ends: tuple[WorkerEnd, ...] = ()
    gaps: tuple[Gap, ...] = ()
    aborted: str | None = None
    expected_workers: int = 1
    notes: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    reports: tuple[WorkerReport, ...] = ()
    memory: Memory | None = None
    strays: tuple[LogEvent, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: a stable code for programs, a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted. None where there is no source of evidence for it."""

    load_started: int = 0
    load_completed: int = 0
    load_failed: int = 0
    progress_messages: int = 0
    meta_tensor_errors: int = 0
    unique_models: int | None = None
    workers: int | None = None
    variants: int | None = None
    variants_ok: int | None = None
    contended: int | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of the variants' latency, in seconds."""

    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whether each independent source of truth supports the verdict; `report` is our worker's own word."""

    log: Testimony = "silent"
    identity: Testimony = "silent"
    memory: Testimony = "silent"
    report: Testimony = "silent"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one trial.

    Attributes:
        reasons: red facts first; for green, what it rests on.
        not_checked: clauses of green that had no source of evidence, in words.
    """

    verdict: Colour
    reasons: tuple[Reason, ...]
    counts: Counts
    latency_s: Latency | None = None
    witnesses: Witnesses = Witnesses()
    not_checked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """The same trial with the guard off: whether it went red, so that a green means something.

    `tries` counts the trials that were made; `red` of them went red; `verdict` is red if one did.
    """

    verdict: Colour
    guard: str
    tries: int
    red: int
    counts: Counts
    reasons: tuple[Reason, ...] = ()
