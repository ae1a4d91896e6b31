"""The diagnosis: from what a verdict rests on to the likely cause and its cure, in words for 3 a.m.

    evidence, verdict, settings --signatures--> codes of remedies, the likeliest first --> Finding, Finding, …

A finding says what happened and most likely why (`cause`), and what to do next (`cure`). Where a run has set
the worker's guard itself, that is no guess: it is named, and what it rules out is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from dashboard.evidence import Evidence, Verdict
from dashboard.ledger import Account, Ledger, read_ledger
from dashboard.record import RunRecord, TrialRecord
from dashboard.remedies import REMEDIES
from dashboard.settings import Guard, RunSettings

__all__ = ["Finding", "diagnose", "diagnose_trial", "finding"]

_CORRUPT: Final = re.compile(
    r"safetensor_?error|safetensors_rust|checkpointerror|header ?too|invalid ?header"
    r"|incomplete ?(?:buffer|metadata)|deserializ"
    r"|unexpected eof|eoferror|unpickling|corrupt|truncated|checksum",
    re.IGNORECASE,
)
_MEMORY: Final = re.compile(
    r"out ?of ?memory|cannot allocate|can't allocate|enough memory|memoryerror", re.IGNORECASE
)
_MISSING: Final = re.compile(
    r"incompletecheckpoint|no file named|have a file named"
    r"|no such file or directory.{0,300}\.(?:safetensors|bin)\b|shard \d+ of \d+ is missing",
    re.IGNORECASE | re.DOTALL,
)
_SIGNATURES: Final = {
    "concurrent_import": re.compile(r"partially initialized module", re.IGNORECASE),
    "forked_after_cuda": re.compile(r"cuda in forked subprocess|forkedaftercuda", re.IGNORECASE),
    "event_loop": re.compile(
        r"attached to a different loop|bound to a different event loop|no (?:running|current) event loop"
        r"|from a running event loop|event loop is closed",
        re.IGNORECASE,
    ),
    "file_lock": re.compile(
        r"acquire (?:the file )?lock|file lock .{0,300}could not be acquired", re.IGNORECASE
    ),
    "tokenizer_race": re.compile(r"already borrowed", re.IGNORECASE),
}
"""What the words of an error mean by themselves, whatever the loads did."""
_MOMENT: Final = re.compile(r"\d\d:\d\d:\d\d[.,]\d{3}")
_BUSY: Final = re.compile(r"^HTTP 429\b")
_UNREACHED: Final = re.compile(r"refused|reset|disconnected|broken pipe|unreachable", re.IGNORECASE)


_RACES: Final = {
    "loaded_twice", "overlapping_loads", "two_models", "meta_tensor_error", "poisoned_process"
}  # fmt: skip
"""Reasons that a guard which is off, or is no whole one, accounts for."""
_UNGUARDED: Final[Mapping[Guard, str]] = {
    "off": "guard_off",
    "no-second-check": "guard_no_second_check",
    "per-model": "guard_per_model",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A likely explanation. `link` is a page of the console, `example` the code that is the cure, or None."""

    code: str
    cause: str
    cure: str
    link: str | None = None
    example: str | None = None


def finding(code: str) -> Finding:
    """Return the finding of that code, as `REMEDIES` words it."""
    remedy = REMEDIES[code]
    return Finding(code, remedy.cause, remedy.cure, remedy.link, remedy.example)


def diagnose_trial(record: RunRecord, trial: TrialRecord, verdict: Verdict) -> tuple[Finding, ...]:
    """Return what lies behind the verdict on a run's trial, known by how the run had set its worker.

    What was never reached shows no sign of any cause.
    """
    if trial.unreached is not None:
        return ()
    return diagnose(trial.evidence(), verdict, replace(record.settings, guard=trial.guard))


def diagnose(
    evidence: Evidence, verdict: Verdict, settings: RunSettings | None = None
) -> tuple[Finding, ...]:
    """Return what most likely lies behind a red or inconclusive verdict, the likeliest first.

    A green verdict has none. Every other one has at least one.

    Args:
        settings: those of the trial, its own guard among them, where a run made it.
    """
    if verdict.verdict == "green":
        return ()
    ledger = read_ledger(evidence)
    codes = {reason.code for reason in verdict.reasons}
    told = _told_errors(evidence, ledger)
    ours = settings is not None and settings.target == "local"  # a container's guard is its own affair
    found = (
        _of_red(ledger, codes, told, settings.guard if settings is not None and ours else None)
        if verdict.verdict == "red"
        else _of_doubt(evidence, codes, told, warm=settings is not None and settings.warm)
    )
    wanted = dict.fromkeys((*found, *_of_errors(told))) or {"look_closer": None}
    return tuple(map(finding, wanted))


def _of_red(ledger: Ledger, codes: set[str], told: str, guard: Guard | None) -> Iterator[str]:
    doubled = "loaded_twice" in codes
    if "out_of_memory" in codes or _MEMORY.search(told):
        yield "out_of_memory"
    if guard is not None and guard in _UNGUARDED and codes & _RACES:
        yield _UNGUARDED[guard]
    elif guard is not None:
        yield from _despite_the_guard(ledger, codes)
    else:
        yield from _of_race(ledger, codes)
    if doubled and _told_by_two_handlers(ledger):
        yield "logged_twice"
    if "load_failed" in codes and not _MEMORY.search(told):
        yield from _why_failed(told)
    if "worker_died" in codes:
        yield "worker_died"


def _despite_the_guard(ledger: Ledger, codes: set[str]) -> Iterator[str]:
    """What is left where the run itself knows that its worker, a fresh process of ours, was guarded."""
    raced = bool(codes & {"loaded_twice", "overlapping_loads", "two_models"}) or _models_overlap(ledger)
    if raced:
        yield "beside_the_guard"
    if "poisoned_process" in codes or _later_victims(ledger):
        yield "poisoned_process"
    if "meta_tensor_error" in codes and not raced:
        yield from ("device_map", "pytorch_version")


def _of_race(ledger: Ledger, codes: set[str]) -> Iterator[str]:
    """What the loads look like, where nobody knows how they are guarded."""
    stranger = any(account.boot is None for account in ledger.accounts)
    doubled, overlapping = "loaded_twice" in codes, "overlapping_loads" in codes
    if "meta_tensor_error" in codes and not overlapping and _models_overlap(ledger):
        yield "lock_per_model"
    if overlapping or (doubled and not _sequential(ledger)):
        yield "lock_not_used"
        yield "lock_per_call"
    elif doubled:
        yield "second_check_missing"
    if "two_models" in codes and not doubled:
        yield "lock_per_call"
    if "poisoned_process" in codes or _later_victims(ledger):
        yield "poisoned_process"
    if "meta_tensor_error" in codes and not overlapping and not _models_overlap(ledger):
        yield from ("poisoned_process", "device_map", "pytorch_version", "to_empty")
    if (doubled or "two_models" in codes or "meta_tensor_error" in codes) and stranger:
        # A process of ours is fresh in every trial, and tells its identity.
        yield "code_not_restarted"
        if doubled:
            yield "several_processes"


def _why_failed(told: str) -> Iterator[str]:
    if _MISSING.search(told):
        yield "missing_shard"
    elif _CORRUPT.search(told):
        yield "corrupt_shard"
    elif not any(_of_errors(told)):
        yield "load_failed"


def _of_errors(told: str) -> Iterator[str]:
    return (code for code, signature in _SIGNATURES.items() if signature.search(told))


_DOUBTS: Final = {
    "aborted": "aborted",
    "restarted": "restarted",
    "no_load": "already_warm",
    "workers_unknown": "several_processes",
    "quoted": "quoted",
    "models_unknown": "models_unknown",
    "gap": "log_incomplete",
    "unfinished": "unfinished",
    "end_without_start": "log_incomplete",
    "retried": "retried",
    "reloaded": "reloaded",
    "loaded_before_release": "already_warm",
    "no_contention": "not_enough_contention",
    "control_not_red": "control_not_red",
    "witness_disagrees": "witness_disagrees",
}


def _of_doubt(evidence: Evidence, codes: set[str], told: str, *, warm: bool) -> Iterator[str]:
    yield from _of_errors(told)  # a load that hangs or breaks off has its cause in its error, if it told one
    if "aborted" in codes:
        codes = codes - {"no_load", "not_answered"}  # there was no time for a load, or for an answer
    if evidence.variants is None and "no_load" in codes:
        codes = codes - {"no_load"}  # a log alone: nobody released anything that could have come too late
        yield "not_in_log"
    for code, remedy in _DOUBTS.items():
        if code in codes:
            yield "begun_warm" if warm and remedy == "already_warm" else remedy
    if "not_answered" in codes:
        errors = [variant.error or "" for variant in evidence.variants or () if variant.state != "answered"]
        if any(_BUSY.search(error) for error in errors):
            yield "too_many_waiting"
        elif any(_UNREACHED.search(error) for error in errors):
            yield "connection_lost"
        else:
            yield "not_answered"
    if codes & {"retried", "unfinished", "not_answered"}:
        for code, signature in (
            ("out_of_memory", _MEMORY),
            ("missing_shard", _MISSING),
            ("corrupt_shard", _CORRUPT),
        ):
            if signature.search(told):
                yield code


def _told_errors(evidence: Evidence, ledger: Ledger) -> str:
    logged = [
        " ".join(attempt.ended.fields.values())
        for account in ledger.accounts
        for attempt in account.attempts
        if attempt.failed and attempt.ended is not None
    ]
    return "\n".join(
        [*logged, *evidence.errors, *(variant.error or "" for variant in evidence.variants or ())]
    )


def _told_by_two_handlers(ledger: Ledger) -> bool:
    """Whether each start and end stands on two lines side by side, in two forms or with one time."""
    told = [
        event
        for account in ledger.accounts
        for attempt in account.attempts
        for event in (attempt.started, attempt.ended)
        if event is not None and event.boot is None
    ]
    for kind in ("started", "completed"):
        events = sorted((each for each in told if each.kind == kind), key=lambda each: each.line)
        if not events or len(events) % 2:
            return False
        for one, other in zip(events[::2], events[1::2], strict=True):
            times = _MOMENT.search(one.text), _MOMENT.search(other.text)
            same = times[0] is not None and times[1] is not None and times[0][0] == times[1][0]
            if other.line - one.line != 1 or not (same or (times[0] is None) != (times[1] is None)):
                return False
    return bool(told)


def _sequential(ledger: Ledger) -> bool:
    """Whether every double load began after the one before had ended, as each thread's lock was let go."""
    doubled = [account for account in ledger.accounts if len(account.attempts) > 1]
    return bool(doubled) and not any(attempt.overlapped for each in doubled for attempt in each.attempts)


def _models_overlap(ledger: Ledger) -> bool:
    """Whether loads of different models were under way at once in one worker."""
    spans = [(account, span) for account in ledger.accounts for span in _spans(account)]
    return any(
        one.boot == other.boot
        and one.source == other.source
        and one.life == other.life
        and one.model != other.model
        and first[0] < second[1]
        and second[0] < first[1]
        for index, (one, first) in enumerate(spans)
        for other, second in spans[index + 1 :]
    )


def _spans(account: Account) -> Iterator[tuple[float, float]]:
    for attempt in account.attempts:
        if attempt.started is None:
            continue
        # A worker's own numbering says what was first; a stranger's log has times only.
        began = _place(attempt.started.seq, attempt.started.time)
        ended = attempt.ended
        yield began, _place(ended.seq, ended.time) if ended is not None else float("inf")


def _place(seq: int | None, time: float) -> float:
    return float(seq) if seq is not None else time


def _later_victims(ledger: Ledger) -> bool:
    """Whether a load failed on its own after others had overlapped: what they left behind broke it."""
    return any(
        attempt.meta and not attempt.overlapped and any(other.overlapped for other in account.attempts)
        for account in ledger.accounts
        for attempt in account.attempts
    )
