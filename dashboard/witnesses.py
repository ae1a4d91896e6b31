"""The witnesses: what the log, the answers, the worker itself and its memory say of the number of loads.

    log       the load events              --+
    identity  boot and load of answers     --+--> Statement: once, more or nothing --> supports the verdict?
    report    the counts that it tells     --+
    memory    steps of a model's size in   --+
              what stayed in its memory

A witness states a claim of its own. Only when two claims are compared does one of them disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.evidence import Colour, Evidence, Testimony
from dashboard.ledger import Account, Attempt, Ledger
from dashboard.memory import Steps, steps_of
from loader.events import EventKind

__all__ = [
    "Claim",
    "Identity",
    "Statement",
    "identities",
    "identity_testimony",
    "log_testimony",
    "memory_testimony",
    "memory_words",
    "report_testimony",
    "supports",
]

Claim = Literal["once", "more", "nothing"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What one witness claims: each model was loaded `once`, `more` (or wrongly), or `nothing` to say.

    `doubts` are sentences in which it contradicts what it should have seen.
    """

    claim: Claim
    doubts: tuple[str, ...] = ()


_COUNTED: Final[Mapping[EventKind, str]] = {
    "started": "start",
    "completed": "completion",
    "failed": "failed load",
    "meta_tensor_error": "meta tensor error",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The model object that variants were given: one load of one worker. No log has it: `attempt` is None."""

    boot: str
    load: int
    model: str | None
    variants: tuple[str, ...]
    account: Account | None
    attempt: Attempt | None


def identities(evidence: Evidence, ledger: Ledger) -> tuple[Identity, ...]:
    """Return the distinct models that answered variants were given, in the order of their worker and load."""
    given: defaultdict[tuple[str, int, str | None], list[str]] = defaultdict(list)
    for variant in evidence.variants or ():
        if variant.state == "answered" and variant.boot is not None and variant.load_id is not None:
            given[variant.boot, variant.load_id, variant.model_id].append(variant.variant_id)
    found = []
    for (boot, load, model), variants in sorted(
        given.items(), key=lambda each: (*each[0][:2], str(each[0][2]))
    ):
        account, attempt = ledger.attempt(boot, load) or (None, None)
        found.append(Identity(boot, load, model, tuple(variants), account, attempt))
    return tuple(found)


def doubled(found: Sequence[Identity]) -> tuple[tuple[Identity, ...], ...]:
    """Return the groups of two or more objects of one model that one worker handed out in one generation."""
    groups: defaultdict[tuple[str, str | None, int], list[Identity]] = defaultdict(list)
    for each in found:
        # An object whose load no log shows is taken for one of the first generation: nothing says that the
        # model was given up in between.
        generation = each.account.generation if each.account is not None else 0
        groups[each.boot, each.model, generation].append(each)
    return tuple(tuple(group) for group in groups.values() if len({each.load for each in group}) > 1)


def log_testimony(ledger: Ledger) -> Statement:
    """State what the load events say about every worker and model."""
    used = [account for account in ledger.accounts if account.used]
    if not used:
        return Statement("nothing")
    once = all(account.starts == account.completions == len(account.attempts) == 1 for account in used)
    return Statement("once" if once and not any(account.metas for account in used) else "more")


def identity_testimony(evidence: Evidence, ledger: Ledger) -> Statement:
    """State what the answers say: one object for each worker and model, or several."""
    found = identities(evidence, ledger)
    if not found:
        return Statement("nothing")
    doubts = []
    answered = sum(variant.state == "answered" for variant in evidence.variants or ())
    if nameless := answered - sum(len(each.variants) for each in found):
        doubts.append(
            f"{nameless} of {answered} answers did not say which load of which worker their model came from."
        )
    if len({(each.boot, each.load) for each in found}) < len(found):
        doubts.append("answers name different models that came from one and the same load.")
    for each in found:
        who = f"{len(each.variants)} variant{'s were' if len(each.variants) != 1 else ' was'}"
        if each.account is not None and each.model not in (None, each.account.model):
            doubts.append(
                f"{who} answered with {each.model} from load {each.load} of worker {each.boot}, "
                f"which by its log loaded {each.account.model}."
            )
        if each.attempt is None and ledger.of(each.boot):
            doubts.append(
                f"{who} answered with load {each.load} of worker {each.boot}, which its log does not show."
            )
        elif each.attempt is not None and not each.attempt.completed:
            doubts.append(
                f"{who} answered with load {each.load} of worker {each.boot}, "
                "which by its log never completed."
            )
    return Statement("more" if doubled(found) else "once", tuple(doubts))


def report_testimony(evidence: Evidence, ledger: Ledger) -> Statement:
    """State what our workers tell of themselves, and where their logs tell otherwise."""
    claims: list[Claim] = []
    doubts = []
    for report in evidence.reports:
        if report.boot not in ledger.known:
            continue
        told = {kind: report.counts.get(kind, 0) for kind in _COUNTED}
        # Two models of one checkpoint have a number each behind its name
        of_model = [
            event
            for event in evidence.events
            if event.boot == report.boot
            and (event.model == report.model or (event.model or "").startswith(f"{report.model}#"))
        ]
        own = [event.kind for event in of_model]
        doubts += [
            f"worker {report.boot} itself tells of {_many(told[kind], noun)}, its log of {own.count(kind)}."
            for kind, noun in _COUNTED.items()
            if told[kind] != own.count(kind)
        ]
        if any(told.values()):
            models = len({event.model for event in of_model}) or 1
            claims.append("once" if list(told.values()) == [models, models, 0, 0] else "more")
    if not claims and not doubts:
        return Statement("nothing")
    return Statement("more" if "more" in claims else "once", tuple(doubts))


def memory_testimony(evidence: Evidence, ledger: Ledger) -> Statement:
    """State how many models the settled memory holds more than the memory before the release.

    Of several models, or several processes, the sizes cannot be told apart: then it has nothing to say.
    """
    steps = steps_of(evidence.memory, evidence.released_at)
    if steps.silent or sum(account.used for account in ledger.accounts) != 1:
        return Statement("nothing")
    if steps.copies == 1:
        return Statement("once")
    return Statement(
        "more", (f"it holds {steps.copies} models more than before the first load: {memory_words(steps)}.",)
    )


def memory_words(steps: Steps) -> str:
    """Return the figures of a memory that was measured: `PSS rose from 212 MB to 530 MB, and …`."""
    what = "PSS" if steps.place == "cpu" else "GPU memory"
    return (
        f"{what} rose from {steps.before / 1e6:,.0f} MB before the release to {steps.after / 1e6:,.0f} MB "
        f"once all was settled, and one model takes {steps.size / 1e6:,.0f} MB"
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def supports(statement: Statement, colour: Colour) -> Testimony:
    """Tell whether a witness's own claim supports a verdict: red says `more`, everything else `once`."""
    if statement.claim == "nothing":
        return "silent"
    if statement.doubts and colour != "red":
        return "disagrees"
    return "agrees" if statement.claim == ("more" if colour == "red" else "once") else "disagrees"
