"""Red facts: what makes a verdict red whatever else was seen, each as one sentence with its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from dashboard.evidence import Evidence, Reason, Variant, WorkerEnd
from dashboard.ledger import Account, Attempt, Ledger, read_ledger
from dashboard.witnesses import doubled, identities

__all__ = ["counted", "final_red_facts", "red_facts", "refused_by_load", "told_to_stop", "where"]

_META: Final = re.compile(r"meta ?tensor", re.IGNORECASE)
# The worker names the error: `HTTP 503: OSError: …`. A waiter that lost patience tells nothing of the load.
_LOAD_ERROR: Final = re.compile(r"^HTTP 503: (?!LoadTimeout|TimeoutError)[A-Za-z_.]*[A-Z][A-Za-z_]+(?::|$)")
_STOPPED: Final = frozenset({0, -2, -15, 130, 143})
"""Ends that somebody asked for: a clean exit, SIGINT, SIGTERM; as signals and as a shell tells them."""


def red_facts(evidence: Evidence) -> tuple[Reason, ...]:
    """Return the red facts that no later event can undo.

    Usable while a trial is still running. A load that failed is not among them, because a retry may still
    succeed: see `final_red_facts`.
    """
    return tuple(_lasting(evidence, read_ledger(evidence)))


def final_red_facts(evidence: Evidence, ledger: Ledger) -> tuple[Reason, ...]:
    """Return all red facts of a trial that has ended."""
    return (*_lasting(evidence, ledger), *_never_succeeded(evidence, ledger))


def _lasting(evidence: Evidence, ledger: Ledger) -> Iterator[Reason]:
    several = len({account.model for account in ledger.accounts}) > 1
    for account in ledger.accounts:
        yield from _doubles(account, several=several)
    yield from _meta_errors(evidence, ledger, several=several)
    yield from _poisoned(ledger)
    for end in evidence.ends:
        yield from _deaths(end, ledger)
    for group in doubled(identities(evidence, ledger)):
        handed = ", ".join(f"load {each.load} to {counted(len(each.variants), 'variant')}" for each in group)
        yield Reason(
            "two_models",
            f"The variants were given {len(group)} different model objects in worker {group[0].boot} "
            f"({handed}); exactly 1 is right.",
        )


def _doubles(account: Account, *, several: bool) -> Iterator[Reason]:
    loads = account.starts - _made_up_for(account)
    if max(loads, account.completions) <= account.room:
        return
    model = f"The model {account.model}" if several and account.model else "The model"
    if account.room > 1:
        yield Reason(
            "loaded_twice",
            f"{model} was loaded {max(loads, account.completions)} times{where(account)}, "
            f"but there are only {account.room} worker processes.",
        )
        return
    overlapping = [each for each in account.attempts if each.overlapped]
    if loads >= account.completions:
        began = [each for each in account.attempts if each.started is not None]
        how = (
            f" ({_named(overlapping)} overlap)" if overlapping else f" ({_named(began)}, one after the other)"
        )
        yield Reason(
            "loaded_twice", f"{model} was loaded {len(began)} times{where(account)}{how}; exactly 1 is right."
        )
    else:
        yield Reason(
            "loaded_twice",
            f"{model} was completed {account.completions} times{where(account)}, "
            f"with {counted(account.starts, 'start')} seen; exactly 1 is right.",
        )
    if overlapping:
        yield Reason(
            "overlapping_loads",
            f"Up to {account.peak} loads of one model were under way at the same time{where(account)}.",
        )


def _made_up_for(account: Account) -> int:
    """Count the failed loads that a retry makes up for; once the model was there, no load had a reason."""
    before = takewhile(lambda each: not each.completed, account.attempts)
    return sum(each.retriable and each.started is not None for each in before)


def _meta_errors(evidence: Evidence, ledger: Ledger, *, several: bool) -> Iterator[Reason]:
    logged = False
    for account in ledger.accounts:
        if not account.metas:
            continue
        logged = True
        hit = [each for each in account.attempts if each.meta and each.load is not None]
        yield Reason(
            "meta_tensor_error",
            f"{counted(len(account.metas), 'meta tensor error')} "
            f"{'was' if len(account.metas) == 1 else 'were'} seen{where(account)}"
            f"{f' ({_named(hit)})' if hit else ''}"
            f"{f' with the model {account.model}' if several and account.model else ''}"
            ": tensors had no data.",
        )
    refused = [
        variant
        for variant in evidence.variants or ()
        if variant.status is not None and variant.status >= 500 and _META.search(variant.error or "")
    ]
    if refused and not logged:
        yield Reason(
            "meta_tensor_error",
            f"{counted(len(refused), 'variant')} of {len(evidence.variants or ())} "
            f"ended in a meta tensor error (first: {refused[0].error}).",
        )


def _poisoned(ledger: Ledger) -> Iterator[Reason]:
    for account in ledger.accounts:
        hit = [
            each
            for each in account.attempts
            if each.failed
            and each.ended is not None
            and "poison" in " ".join(each.ended.fields.values()).lower()
        ]
        if hit:
            yield Reason(
                "poisoned_process",
                f"Overlapping loads left the process poisoned{where(account)}: "
                f"{_named(hit)} could not work any more, and no later one can.",
            )


def _deaths(end: WorkerEnd, ledger: Ledger) -> Iterator[Reason]:
    accounts = [each for each in ledger.accounts if each.used and ended_with(each, end)]
    running = [each for each in accounts if any(attempt.open for attempt in each.attempts)]
    if end.out_of_memory and accounts:
        place = running[0] if running else accounts[0]
        when = "while it loaded the model" if running else "after it had begun to load the model"
        yield Reason("out_of_memory", f"The worker was killed for want of memory {when}{where(place)}.")
    elif running and not told_to_stop(end):
        loads = [attempt for attempt in running[0].attempts if attempt.open]
        yield Reason(
            "worker_died",
            f"The worker died ({_status(end)}) while {_named(loads)} was under way{where(running[0])}.",
        )


def ended_with(account: Account, end: WorkerEnd) -> bool:
    """Tell whether `end` is the end of the process that this account belongs to."""
    if account.boot is not None and end.boot is not None:
        return account.boot == end.boot
    # A source that several containers or processes share is told apart by them: `app.log (web-1)`
    return account.source == end.source or account.source.startswith(f"{end.source} (")


def told_to_stop(end: WorkerEnd) -> bool:
    """Tell whether a worker ended as if somebody had asked it to: an operator, or a health check."""
    return end.status in _STOPPED and not end.out_of_memory


def _never_succeeded(evidence: Evidence, ledger: Ledger) -> Iterator[Reason]:
    told = False
    for account in ledger.accounts:
        failed = [each for each in account.attempts if each.failed]
        if not failed or account.completions or any(each.open for each in account.attempts):
            continue
        told = True
        if account.metas:
            continue  # said already
        last = failed[-1].ended
        error = last.fields.get("error") if last is not None else None
        tries = counted(len(failed), "load")
        yield Reason(
            "out_of_memory" if error in ("OutOfMemory", "OutOfMemoryError") else "load_failed",
            f"{tries} failed{where(account)}{f' ({error})' if error else ''} and none succeeded.",
        )
    refused = [variant for variant in evidence.variants or () if refused_by_load(variant)]
    if refused and not told and not any(account.completions for account in ledger.accounts):
        yield Reason(
            "load_failed",
            f"{counted(len(refused), 'variant')} of {len(evidence.variants or ())} "
            f"{'was' if len(refused) == 1 else 'were'} refused because the load had failed "
            f"(first: {refused[0].error}).",
        )


def refused_by_load(variant: Variant) -> bool:
    """Tell whether a variant failed because the model could not be loaded, as the worker's 503 says."""
    return variant.status == 503 and _LOAD_ERROR.match(variant.error or "") is not None


def where(account: Account) -> str:
    """Return the place of an account, to be put behind a sentence."""
    if account.boot is not None:
        return f" in worker {account.boot}"
    if account.pid is not None:
        return f" in process {account.pid} of {account.source}"
    return f" in {account.source}"


def counted(number: int, noun: str) -> str:
    """Return `1 load`, `2 loads`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _named(attempts: Sequence[Attempt]) -> str:
    """Return `load 2`, `loads 1, 2 and 3`; of many, the first few and how many more."""
    names = [str(each.load if each.load is not None else each.order) for each in attempts]
    if len(names) == 1:
        return f"load {names[0]}"
    if len(names) > 8:
        return f"loads {', '.join(names[:6])} and {len(names) - 6} more"
    return f"loads {', '.join(names[:-1])} and {names[-1]}"


def _status(end: WorkerEnd) -> str:
    if end.status is None:
        return "nobody knows why"
    return f"signal {-end.status}" if end.status < 0 else f"exit status {end.status}"
