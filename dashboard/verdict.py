"""The verdict on a trial and on a run: pure functions from evidence to green, red or inconclusive.

    evidence --> ledger --> red facts? ----------------------> red
                        --> doubts? -------------------------> inconclusive
                        --> neither: one load each, proven --> green --+
    every trial asked for, nothing broken off, a control that raced ---+--> green, else inconclusive

Nothing here reads a clock, a file or the network: the same evidence gives the same verdict, for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from dashboard.contention import Contention, contention_of
from dashboard.doubts import doubts
from dashboard.evidence import Colour, Control, Counts, Evidence, Reason, Verdict, Witnesses
from dashboard.latency import latency_of
from dashboard.ledger import Ledger, read_ledger
from dashboard.memory import steps_of
from dashboard.redfacts import counted, final_red_facts, red_facts, where
from dashboard.witnesses import (
    Identity,
    Statement,
    identities,
    identity_testimony,
    log_testimony,
    memory_testimony,
    memory_words,
    report_testimony,
    supports,
)

__all__ = ["conclude", "control_of", "judge", "red_facts", "shows_a_race", "with_control", "worst"]

_SEVERITY: Final[dict[Colour, int]] = {"red": 0, "inconclusive": 1, "green": 2}
_RACES: Final = frozenset(
    {"loaded_twice", "overlapping_loads", "meta_tensor_error", "poisoned_process", "two_models"}
)
"""What a missing guard lets happen. A control that died, or found no file, was red for another reason."""


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict on one trial. Any red fact wins; what is neither red nor proven is inconclusive."""
    ledger = read_ledger(evidence)
    contention = contention_of(evidence, ledger)
    found = identities(evidence, ledger)
    identity = identity_testimony(evidence, ledger)
    report, memory = report_testimony(evidence, ledger), memory_testimony(evidence, ledger)
    colour: Colour = "red"
    reasons = final_red_facts(evidence, ledger)
    if not reasons:
        colour = "inconclusive"
        reasons = doubts(
            evidence, ledger, contention, {"answers": identity, "the worker": report, "memory": memory}
        )
    if not reasons:
        colour = "green"
        reasons = _grounds(evidence, ledger, contention)
    return Verdict(
        verdict=colour,
        reasons=reasons,
        counts=_counts(evidence, ledger, contention),
        latency_s=latency_of(evidence.variants),
        witnesses=Witnesses(
            log=supports(log_testimony(ledger), colour),
            identity=supports(identity, colour),
            memory=supports(memory, colour),
            report=supports(report, colour),
        ),
        not_checked=_not_checked(evidence, found, memory),
    )


def conclude(
    verdicts: Sequence[Verdict],
    control: Control | None,
    *,
    repeat: int,
    wants_control: bool,
    cut: str | None = None,
) -> Verdict:
    """Return the verdict on a run: the worst of its trials', and green only if nothing is missing.

    Args:
        verdicts: of the trials that were judged, controls left out.
        repeat: how many trials were asked for.
        cut: why the run did not come to its end, as a sentence; None when it did.
    """
    if not verdicts:
        why = cut or "The run ended before a trial could be judged. Launch it again."
        return Verdict("inconclusive", (Reason("aborted", why),), Counts())
    found = worst(verdicts)
    if found.verdict != "green":
        return found
    if cut is None and len(verdicts) >= repeat:
        return with_control(found, control, wanted=wants_control)
    unproven = wants_control and (control is None or not control.red)
    text = (
        f"{cut or 'The run broke off.'} By then {len(verdicts):,} of {counted(repeat, 'trial')} had come out "
        f"green{', and no control had gone red' if unproven else ''}: that is not the whole proof. "
        "Launch it again."
    )
    return replace(found, verdict="inconclusive", reasons=(Reason("aborted", text),))


def shows_a_race(verdict: Verdict) -> bool:
    """Tell whether a verdict is red because of what a guard prevents, and not for a reason of its own."""
    return verdict.verdict == "red" and _raced(verdict.reasons)


def control_of(tries: Sequence[Verdict], guard: str) -> Control:
    """Return what the tries of a control come to; there must be at least one.

    A try that was red for another reason than a race tells nothing of the guard: it is inconclusive here.
    """
    red = [verdict for verdict in tries if shows_a_race(verdict)]
    shown = red[0] if red else tries[-1]
    colour: Colour = "red" if red else "green" if shown.verdict == "green" else "inconclusive"
    return Control(colour, guard, len(tries), len(red), shown.counts, shown.reasons)


def with_control(verdict: Verdict, control: Control | None, *, wanted: bool) -> Verdict:
    """Return the verdict with its control considered; only a green one needs it.

    A control that was `wanted`, or made, must have gone red by a race, or the green proves nothing.
    """
    if verdict.verdict != "green":
        return verdict
    if control is None and not wanted:
        text = "No control was made: nothing shows that this trial could have failed."
        return replace(
            verdict,
            reasons=(*verdict.reasons, Reason("no_control", text)),
            not_checked=(*verdict.not_checked, "control"),
        )
    if control is not None and control.verdict == "red" and _raced(control.reasons):
        text = (
            f"With the guard {control.guard} the same trial went red in {control.red} of {control.tries}, "
            "so this green means something."
        )
        return replace(verdict, reasons=(*verdict.reasons, Reason("control_red", text)))
    return replace(verdict, verdict="inconclusive", reasons=(Reason("control_not_red", _not_red(control)),))


def _not_red(control: Control | None) -> str:
    if control is None or not control.tries:
        return (
            "The control, the same trial with the guard off, was not made: nothing shows that this can fail."
        )
    if control.verdict == "green" or not control.reasons:
        return (
            f"With the guard off the same trial did not go red either (tries: {control.tries}), "
            "so it cannot tell a working guard from a missing one."
        )
    return (
        f"With the guard off the same trial ended for another reason than a race (tries: {control.tries}), "
        f"so nothing shows that it can tell a working guard from a missing one: {control.reasons[0].text}"
    )


def _raced(reasons: Iterable[Reason]) -> bool:
    return any(reason.code in _RACES for reason in reasons)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the first of the worst verdicts: red before inconclusive before green.

    Raises:
        ValueError: there are none.
    """
    found = list(verdicts)
    if not found:
        raise ValueError("There is no verdict to choose from: judge at least one trial first.")
    return min(found, key=lambda verdict: _SEVERITY[verdict.verdict])


def _counts(evidence: Evidence, ledger: Ledger, contention: Contention | None) -> Counts:
    accounts, variants = ledger.accounts, evidence.variants
    found = identities(evidence, ledger)
    ours = variants is not None and bool(ledger.known or found)
    return Counts(
        load_started=sum(account.starts for account in accounts),
        load_completed=sum(account.completions for account in accounts),
        load_failed=sum(account.failures for account in accounts),
        progress_messages=sum(account.progress for account in accounts),
        meta_tensor_errors=sum(len(account.metas) for account in accounts),
        unique_models=len({(each.boot, each.load, each.model) for each in found}) if ours else None,
        workers=_workers(evidence, ledger),
        variants=len(variants) if variants is not None else None,
        variants_ok=sum(each.state == "answered" for each in variants) if variants is not None else None,
        contended=contention.total if contention is not None else None,
    )


def _workers(evidence: Evidence, ledger: Ledger) -> int:
    strangers = {(each.source, each.life): each.room for each in ledger.accounts if each.boot is None}
    return len(ledger.known) + sum(strangers.values())


def _grounds(evidence: Evidence, ledger: Ledger, contention: Contention | None) -> tuple[Reason, ...]:
    used = [account for account in ledger.accounts if account.used]
    if len(used) == 1:
        took = used[0].attempts[0]
        seconds = took.ended.fields.get("seconds") if took.ended is not None else None
        text = f"The model was loaded exactly once{where(used[0])}{f', in {seconds} s' if seconds else ''}."
    else:
        text = f"Each of {counted(len(used), 'worker and model pair')} was loaded exactly once."
    reasons = [Reason("loaded_once", text)]
    if evidence.variants is not None:
        reasons.append(Reason("answered", f"All {counted(len(evidence.variants), 'variant')} were answered."))
    if contention is not None:
        reasons.append(
            Reason(
                "contended",
                f"{contention.total:,} of {counted(len(evidence.variants or ()), 'variant')} asked for the "
                "model before its load had completed, so the guard was really tried.",
            )
        )
    found = identities(evidence, ledger)
    if found:
        each = "every answered variant was" if len(found) == 1 else "the variants of each worker were"
        reasons.append(Reason("one_model", f"By its own answer, {each} given the one model of its worker."))
    if memory_testimony(evidence, ledger).claim == "once":
        held = memory_words(steps_of(evidence.memory, evidence.released_at))
        reasons.append(Reason("one_model_held", f"By the memory of its process it holds one model: {held}."))
    return tuple(reasons)


def _not_checked(evidence: Evidence, found: Sequence[Identity], memory: Statement) -> tuple[str, ...]:
    missing = []
    if evidence.variants is None:
        missing += ["answers", "contention"]
    if not found:
        missing.append("identity")
    if memory.claim == "nothing":
        missing.append("memory")
    return tuple(missing)
