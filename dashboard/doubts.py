"""Doubts: why a trial without a red fact still proves nothing, each as a stable code and one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboard.contention import Contention
from dashboard.evidence import Evidence, LogEvent, Reason
from dashboard.ledger import Account, Ledger
from dashboard.printable import printable
from dashboard.redfacts import counted, ended_with, told_to_stop, where
from dashboard.witnesses import Statement

__all__ = ["doubts"]


def doubts(
    evidence: Evidence, ledger: Ledger, contention: Contention | None, beside: Mapping[str, Statement]
) -> tuple[Reason, ...]:
    """Return everything that keeps a trial without red facts from being green, the weightiest first.

    `beside` has what the witnesses beside the log state, by their names in a sentence.
    """
    return tuple(_all(evidence, ledger, contention, beside))


def _all(
    evidence: Evidence, ledger: Ledger, contention: Contention | None, beside: Mapping[str, Statement]
) -> Iterator[Reason]:
    if evidence.aborted is not None:
        yield Reason("aborted", f"The trial was cut short: {evidence.aborted}")
    yield from _restarted(evidence, ledger)
    unloaded = tuple(_no_load(evidence, ledger))
    yield from unloaded
    yield from _workers_unknown(evidence, ledger)
    yield from _quoted(ledger)
    yield from _models_unknown(ledger)
    for gap in evidence.gaps:
        yield Reason("gap", gap.text)
    for account in ledger.accounts:
        yield from _unclear(account)
    yield from _reloaded(ledger)
    early = tuple(_loaded_before_release(evidence, ledger))
    yield from early
    yield from _not_answered(evidence)
    if contention is not None and not unloaded and not early:
        yield from _no_contention(evidence, contention)
    # A worker that was warm already shows nothing of the load that its answers name: `no_load` says so.
    for witness, statement in beside.items():
        for doubt in statement.doubts:
            yield Reason("witness_disagrees", f"Log and {witness} contradict each other: {doubt}")


def _restarted(evidence: Evidence, ledger: Ledger) -> Iterator[Reason]:
    for end in evidence.ends:
        accounts = [each for each in ledger.accounts if each.used and ended_with(each, end)]
        done = bool(accounts) and not any(attempt.open for each in accounts for attempt in each.attempts)
        when = "after the load" if done else "during the load" if accounts else "before it had begun to load"
        how = (
            "somebody or a health check stopped it"
            if told_to_stop(end)
            else "it was killed for want of memory"
            if end.out_of_memory
            else f"exit status {end.status}"
        )
        place = where(accounts[0]) if accounts else f" in {end.source}"
        yield Reason("restarted", f"The worker ended {when}{place} ({how}), in the middle of the trial.")
    if evidence.released_at is not None:
        yield from _second_lives(ledger)
    for account in ledger.accounts:
        later = [
            each
            for each in ledger.accounts
            if each.boot is None and each.source == account.source and each.epoch > account.epoch
        ]
        if account.boot is None and later and any(attempt.open for attempt in account.attempts):
            yield Reason(
                "restarted",
                f"A new server process began{where(account)} before the load of the one before had ended.",
            )


def _second_lives(ledger: Ledger) -> Iterator[Reason]:
    seen: dict[tuple[str, object], Account] = {}
    for account in ledger.accounts:
        if not account.used or account.boot in ledger.parents:
            continue
        # One container's workers have pids of their own; the same pid again is the same place, restarted.
        place = (account.source, account.pid if account.boot is not None else None)
        first = seen.setdefault(place, account)
        if (first.boot, first.epoch) != (account.boot, account.epoch):
            yield Reason(
                "restarted",
                f"The worker in {account.source} was replaced by another process during the trial.",
            )
            return


def _no_load(evidence: Evidence, ledger: Ledger) -> Iterator[Reason]:
    loaded = {account.boot for account in ledger.accounts if account.used}
    if evidence.workers is not None:
        for boot in sorted(ledger.known - loaded):
            parent = ledger.parents.get(boot)
            if parent is None or not (
                parent in loaded or any(each.boot == parent for each in ledger.unknown)
            ):
                yield Reason("no_load", f"No load was seen in worker {boot}{_warm(evidence)}")
        if ledger.known:
            return
    if not loaded:
        yield Reason("no_load", f"No load was seen{_warm(evidence)}")


def _warm(evidence: Evidence) -> str:
    if any(variant.state == "answered" for variant in evidence.variants or ()):
        return " since the baseline, yet it answered: the model was loaded already."
    return " since the baseline." if evidence.variants is not None else " in this log."


def _workers_unknown(evidence: Evidence, ledger: Ledger) -> Iterator[Reason]:
    boots = sorted({event.boot for event in ledger.unknown if event.boot is not None})
    if boots:
        yield Reason(
            "workers_unknown",
            f"{counted(len(ledger.unknown), 'event')} came from {counted(len(boots), 'worker')} that "
            f"nothing but the log knows ({', '.join(boots[:4])}{', …' if len(boots) > 4 else ''}); "
            "they were not counted.",
        )
    if evidence.strays and evidence.workers is None:
        first = evidence.strays[0]
        yield Reason(
            "workers_unknown",
            f"Beside the lines of a worker of ours, {first.source} tells of a load in another service's "
            f"words (first: “{_shown(first)}”): nothing but the log says which of them are true.",
        )
    for boot, pids in sorted(_pids(evidence, ledger).items()):
        if len(pids) > 1:
            yield Reason(
                "workers_unknown",
                f"Events of worker {boot} came from {len(pids)} processes ({', '.join(map(str, pids))}): "
                "their loads cannot be told apart.",
            )
    for boot in evidence.unasked:
        yield Reason(
            "workers_unknown",
            f"Worker {boot} could not be asked (/loader) whether the log has all of its events: another "
            "process at the same address answered each time. Give each worker process an address of its own, "
            "or test with one.",
        )
    expected = evidence.expected_workers
    used = [account for account in ledger.accounts if account.used]
    for account in used:
        if account.room > 1 and (account.starts > 1 or expected > 1):
            yield Reason(
                "workers_unknown",
                f"{counted(account.starts, 'start')}{where(account)} may be one for each of "
                f"{account.room} worker processes, or two in one of them: the log does not tell.",
            )
    workers = {(each.source, each.life) if each.boot is None else each.boot for each in used}
    if 0 < len(workers) < expected and all(account.room == 1 for account in used):
        yield Reason(
            "workers_unknown", f"{expected} workers were expected, and loads of {len(workers)} were seen."
        )


def _quoted(ledger: Ledger) -> Iterator[Reason]:
    if ledger.quoted:
        first = ledger.quoted[0]
        yield Reason(
            "quoted",
            f"{counted(len(ledger.quoted), 'line')} of {first.source} may tell of a load, or may only repeat "
            f"what a request says (first: “{_shown(first)}”). The log does not tell, so "
            f"{'it was' if len(ledger.quoted) == 1 else 'they were'} not counted.",
        )


def _models_unknown(ledger: Ledger) -> Iterator[Reason]:
    """Two counts rest on two names: one that may be no model's name leaves it open whether there are two."""
    seen: dict[tuple[str, int], Account] = {}
    for account in ledger.accounts:
        if account.boot is not None or not account.starts:
            continue
        first = seen.setdefault((account.source, account.life), account)
        if first.model != account.model and (first.vague or account.vague):
            place, one, other = where(account), _short(first.model), _short(account.model)
            yield Reason(
                "models_unknown",
                f"Loads were seen{place} of “{one}” and of “{other}”: two models, or one loaded twice "
                "for two callers. The log does not tell.",
            )
            return


def _short(model: str | None) -> str:
    return printable(model or "a model without a name")[:80]


def _shown(event: LogEvent) -> str:
    """Return the line of an event; its number would mislead, for a bar's states are numbered, too."""
    return " ".join(printable(event.text).split())[:120]


def _pids(evidence: Evidence, ledger: Ledger) -> dict[str, list[int]]:
    """Return the processes that wrote as each known worker; a fork that kept its parent's identity is one."""
    found: dict[str, set[int]] = {}
    for event in evidence.events:
        if event.boot in ledger.known and event.pid is not None:
            found.setdefault(event.boot, set()).add(event.pid)
    return {boot: sorted(pids) for boot, pids in found.items()}


def _unclear(account: Account) -> Iterator[Reason]:
    place = where(account)
    running = sum(attempt.open for attempt in account.attempts)
    if any(each.open and each.endless for each in account.attempts):
        yield Reason(
            "unfinished",
            f"{counted(running, 'load')} began{place}, and this kind of log never says that one has ended. "
            "Let the service print a line of its own when its model is ready, and name it in targets.toml "
            "([profiles.NAME]).",
        )
    elif running:
        yield Reason("unfinished", f"{counted(running, 'load')} began{place} and did not come to an end.")
    orphans = [
        attempt for attempt in account.attempts if attempt.started is None and attempt.ended is not None
    ]
    if orphans:
        completed = any(attempt.completed for attempt in orphans)
        yield Reason(
            "end_without_start",
            f"A load {'completed' if completed else 'failed'}{place} that was never seen to start.",
        )
    failed = [attempt for attempt in account.attempts if attempt.failed and attempt.started is not None]
    if failed and (account.completions or running):
        error = failed[0].ended.fields.get("error") if failed[0].ended is not None else None
        yield Reason(
            "retried",
            f"{counted(len(failed), 'load')} failed{place}{f' ({error})' if error else ''} "
            f"before {'another one succeeded' if account.completions else 'another one began'}.",
        )


def _reloaded(ledger: Ledger) -> Iterator[Reason]:
    loaded: dict[tuple[str, str | None, int, str | None], int] = {}
    for account in ledger.accounts:
        if account.starts or account.completions:
            key = (account.source, account.boot, account.life, account.model)
            loaded[key] = loaded.get(key, 0) + 1
            if loaded[key] == 2:
                yield Reason("reloaded", f"The model was given up and loaded again{where(account)}.")


def _loaded_before_release(evidence: Evidence, ledger: Ledger) -> Iterator[Reason]:
    if evidence.released_at is None:
        return
    ids = {variant.variant_id for variant in evidence.variants or ()}
    for account in ledger.accounts:
        began = [each.started for each in account.attempts if each.started is not None]
        if began and _was_early(began[0], account, ids, evidence.released_at):
            yield Reason(
                "loaded_before_release",
                f"The load had begun{where(account)} before any variant was released.",
            )


def _was_early(began: LogEvent, account: Account, ids: set[str], released_at: float) -> bool:
    asked = [event for event in account.requested if event.thread in ids]
    if asked and began.seq is not None:
        # The worker's own numbering needs no common clock: someone else had asked before our first variant.
        return all((event.seq or 0) > began.seq for event in asked)
    return began.time < released_at


def _not_answered(evidence: Evidence) -> Iterator[Reason]:
    variants = evidence.variants or ()
    missing = [variant for variant in variants if variant.state != "answered"]
    if not missing:
        return
    first = next((variant for variant in missing if variant.error), None)
    yield Reason(
        "not_answered",
        f"{len(missing):,} of {counted(len(variants), 'variant')} got no answer"
        f"{f' (first: {first.variant_id}, {first.error})' if first is not None else ''}.",
    )


def _no_contention(evidence: Evidence, contention: Contention) -> Iterator[Reason]:
    weakest = min(contention.by_worker, key=lambda each: each[1], default=None)
    if weakest is None or weakest[1] >= 2:
        return
    count = counted(len(evidence.variants or ()), "variant")
    yield Reason(
        "no_contention",
        f"Only {weakest[1]} of {count} asked for the model before its load had completed in worker "
        f"{weakest[0]}; it takes at least 2 at once to prove anything.",
    )
