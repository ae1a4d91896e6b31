"""The verdict on a probe: pure, from what its program told to green, red or inconclusive.

    printed lines   --ledger--+
    real loads      --ledger--+--> red facts? doubts? neither: one load, by whoever saw it
    objects, errors ----------+

Three witnesses see loads independently. One that saw nothing is silent; two that contradict each other
leave it inconclusive, unless one of them saw a red fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dashboard.diagnosis import diagnose
from dashboard.evidence import Colour, Counts, Evidence, Reason, Testimony, Variant, Verdict, Witnesses
from dashboard.latency import latency_of
from dashboard.probing.events import gave_up, is_meta, printed, real_events, real_loads
from dashboard.probing.report import Call, ProbeReport
from dashboard.probing.result import ProbeVerdict
from dashboard.redfacts import counted
from dashboard.verdict import judge

__all__ = ["judge_probe"]

_MEMORY: Final = re.compile(r"^MemoryError|out ?of ?memory|cannot allocate memory", re.IGNORECASE)
_FAILED: Final = frozenset({"load_failed", "out_of_memory"})
_KILLED: Final = frozenset({137, -9})


def judge_probe(report: ProbeReport, *, beside_service: bool = False) -> ProbeVerdict:
    """Return the verdict on a probe.

    `beside_service`: the service itself holds a model in the same memory, so that a want of it is the
    probe's own doing.
    """
    return _Judge(report, beside_service).judged()


class _Judge:
    """What the witnesses saw, side by side."""

    def __init__(self, report: ProbeReport, beside_service: bool) -> None:
        self.report, self.beside_service = report, beside_service
        self.placed, self.lines, gaps = printed(report)
        self.reals = real_loads(report)
        self.log = Evidence(tuple(event for _, event in self.placed), gaps=gaps)
        self.real = Evidence(real_events(self.reals))
        self.log_verdict, self.real_verdict = judge(self.log), judge(self.real)
        self.starts = self.log_verdict.counts.load_started
        self.models = {call.model for call in report.calls if call.error is None} - {None}
        self.errors = [call for call in report.calls if call.error is not None]
        self.missing = report.asked.threads - len(report.calls) if report.released_at is not None else 0
        self.contended = self._contended()

    def judged(self) -> ProbeVerdict:
        colour: Colour = "red"
        reasons = tuple(self._red())
        if not reasons:
            colour, reasons = "inconclusive", tuple(self._doubts())
        if not reasons:
            colour, reasons = "green", tuple(self._grounds())
        variants = tuple(_variant(call) for call in self.report.calls)
        verdict = Verdict(
            colour,
            (*reasons, *self._processors()),
            self._counts(),
            latency_of(variants),
            self._witnesses(colour),
            ("memory",),
        )
        seen = self.log if self.log.events else self.real
        used = len(self.reals) if self.report.loads else None
        return ProbeVerdict(verdict, diagnose(seen, verdict), self.report, self.starts, used, self.lines)

    # -- red ----------------------------------------------------------------------------------------------

    def _red(self) -> Iterator[Reason]:
        facts = [*self._red_of(self.log_verdict), *self._red_of(self.real_verdict)]
        proven = self.models and not self.errors
        # A line may say that a load failed: whoever was given a model all the same contradicts it.
        facts = [fact for fact in facts if not (fact.code in _FAILED and (proven or self._starved()))]
        yield from facts
        told = {fact.code for fact in facts}
        if len(self.models) > 1 and not self._proxies():
            yield Reason(
                "two_models",
                f"The threads were given {len(self.models)} different model objects; exactly 1 is right.",
            )
        metas = [call for call in self.errors if is_meta(call)]
        if metas and "meta_tensor_error" not in told:
            yield Reason("meta_tensor_error", f"{self._of_threads(metas)} ended in a meta tensor error.")
        failed = [call for call in self.errors if not gave_up(call) and not is_meta(call)]
        if failed and "load_failed" not in told and not self._retried(failed) and not self._starved():
            yield Reason(
                "load_failed",
                f"{self._of_threads(failed)} ended in an error (first: {_first(failed)}); all must be given "
                "the one model.",
            )
        if self._died() and not self._starved() and self._under_way():
            yield Reason(
                "worker_died", f"The process died ({_status(self.report)}) while it loaded the model."
            )

    @staticmethod
    def _red_of(verdict: Verdict) -> tuple[Reason, ...]:
        return verdict.reasons if verdict.verdict == "red" else ()

    def _retried(self, failed: list[Call]) -> bool:
        """Whether a load that was seen to fail explains the errors, and a later one gave the model."""
        codes = {reason.code for each in (self.log_verdict, self.real_verdict) for reason in each.reasons}
        given = [call.returned for call in self.report.calls if call.model is not None]
        return "retried" in codes and bool(given) and max(call.returned for call in failed) <= min(given)

    def _starved(self) -> bool:
        """Whether memory ran out after one start, beside a service that holds a model of its own."""
        if not self.beside_service or max(self.starts, len(self.reals)) > 1:
            return False
        killed = self._died() and self.report.status in _KILLED
        return killed or any(_MEMORY.search(call.error or "") for call in self.errors)

    def _died(self) -> bool:
        return self.report.greeted and not self.report.ended and not self.report.held

    def _under_way(self) -> bool:
        codes = {reason.code for each in (self.log_verdict, self.real_verdict) for reason in each.reasons}
        return "unfinished" in codes

    # -- doubts -------------------------------------------------------------------------------------------

    def _doubts(self) -> Iterator[Reason]:
        yield from self._aborted()
        seen = [each for each in (self.log_verdict, self.real_verdict) if each.counts.load_started]
        stopped = self.report.stopped is not None or self._died()
        if not seen and not stopped and not self.errors:
            yield Reason(
                "no_load",
                "No load was seen by any witness: nothing that is known was printed, and transformers' "
                "from_pretrained was not called. One model object does not tell how often it was loaded.",
            )
        told = set[str]()
        for each in (self.log_verdict, self.real_verdict):
            for reason in each.reasons if each.verdict == "inconclusive" else ():
                if reason.code != "no_load" and reason.code not in told:
                    told.add(reason.code)
                    yield reason
        yield from self._not_answered()
        yield from self._contradictions()
        if self.contended is not None and self.contended < 2 and not stopped:
            yield Reason(
                "no_contention",
                f"Only {self.contended} of {counted(self.report.asked.threads, 'thread')} asked for the "
                "model before its load had completed; it takes at least 2 at once to prove anything.",
            )

    def _aborted(self) -> Iterator[Reason]:
        report, asked = self.report, self.report.asked
        if report.stopped == "import":
            yield Reason("aborted", f"The module {asked.module} cannot be imported ({report.error}).")
        elif report.stopped is not None:
            yield Reason("aborted", f"The threads could not be started ({report.error}). Probe with fewer.")
        elif self._starved():
            yield Reason(
                "aborted",
                "Memory ran out while the probe loaded its one model beside the service's own: that says "
                "nothing of the service. Give the container more, or probe where nothing else is loaded.",
            )
        elif self._died():
            yield Reason("aborted", f"The process ended ({_status(report)}) before the probe did.")
        elif self.report.held and report.released_at is None:
            yield Reason("aborted", f"The import of {asked.module} did not come to its end; it was ended.")

    def _not_answered(self) -> Iterator[Reason]:
        if self.missing and not self._died():
            yield Reason(
                "not_answered",
                f"{self.missing:,} of {counted(self.report.asked.threads, 'thread')} never came back within "
                f"{self.report.asked.timeout_s:g} s of the release; the process was ended.",
            )
        waiters = [call for call in self.errors if gave_up(call)]
        if waiters:
            yield Reason("not_answered", f"{self._of_threads(waiters)} gave up ({_first(waiters)}).")
        empty = [call for call in self.report.calls if call.error is None and call.model is None]
        if empty and self.models:
            yield Reason("not_answered", f"{self._of_threads(empty)} came back without a model (None).")

    def _proxies(self) -> bool:
        """Whether all objects hold one and the same, and one load was seen: each call wraps the one model."""
        held = {call.inside for call in self.report.calls if call.error is None and call.model is not None}
        return len(held) == 1 and None not in held and max(self.starts, len(self.reals)) == 1

    def _contradictions(self) -> Iterator[Reason]:
        if len(self.models) > 1:  # and so proxies, which alone are not red
            yield Reason(
                "witness_disagrees",
                f"The threads were given {len(self.models)} different objects, which all hold the same one, "
                "and one load was seen: each call seems to wrap the one model anew. Probe what returns that.",
            )
        parts = sum(len(load.models) for load in self.reals)
        if self.starts and self.reals and not len(self.reals) <= self.starts <= max(parts, len(self.reals)):
            yield Reason(
                "witness_disagrees",
                f"The output shows {counted(self.starts, 'load')}, and "
                f"{counted(len(self.reals), 'real load')} went through from_pretrained.",
            )
        for each in (self.log_verdict, self.real_verdict):
            if self.models and not self.errors and any(fact.code in _FAILED for fact in self._red_of(each)):
                yield Reason(
                    "witness_disagrees",
                    "A load is told to have failed, yet every thread was given a model: "
                    f"{each.reasons[0].text}",
                )

    # -- what is shown ------------------------------------------------------------------------------------

    def _grounds(self) -> Iterator[Reason]:
        seen = [
            name
            for name, count in (
                ("its output", self.starts),
                ("its calls of from_pretrained", len(self.reals)),
            )
            if count
        ]
        yield Reason("loaded_once", f"The model was loaded exactly once, by {' and '.join(seen)}.")
        if self.contended is None:
            yield Reason(
                "loaded_at_import",
                "The load came while the module was imported, before any thread could race for it.",
            )
        else:
            yield Reason(
                "contended",
                f"{self.contended:,} of {counted(self.report.asked.threads, 'thread')} asked for the model "
                "before its load had completed, so the guard was really tried.",
            )
        if self.models:
            yield Reason("one_model", "Every thread was given the same model object.")

    def _processors(self) -> Iterator[Reason]:
        given = {call.others for call in self.report.calls if call.error is None}
        if len(given) > 1:
            yield Reason(
                "processors_differ",
                f"What comes with the model (its processor) was {len(given)} different objects: that costs "
                "time and memory, and is no second model.",
            )

    def _contended(self) -> int | None:
        """Count the calls under way when the first load after the release completed; None: none came then."""
        begin = self.report.released_at
        if begin is None:
            return None
        calls = self.report.calls
        times = [load.ended for load in self.reals if not load.imported and load.error is None and load.ended]
        times += [event.time for place, event in self.placed if event.kind == "completed" and place > begin]
        if not times:
            return None
        # Below Python, lines are seen a moment late: whoever was given a model tells that it was there.
        first = min([*times, *(call.returned for call in calls if call.model is not None)])
        return sum(call.entered < first <= call.returned for call in calls)

    def _counts(self) -> Counts:
        log, loads = self.log_verdict.counts, self.reals
        if log.load_started >= len(loads):
            ends = log.load_completed, log.load_failed
        else:
            failed = sum(load.error is not None for load in loads)
            ends = sum(load.ended is not None for load in loads) - failed, failed
        metas = sum(event.kind == "meta_tensor_error" for _, event in self.placed)
        return Counts(
            load_started=max(log.load_started, len(loads)),
            load_completed=ends[0],
            load_failed=ends[1],
            progress_messages=log.progress_messages,
            meta_tensor_errors=max(metas, sum(is_meta(call) for call in self.errors)),
            unique_models=len(self.models) if self.models else None,
            workers=1,
            variants=self.report.asked.threads,
            variants_ok=sum(call.error is None for call in self.report.calls),
            contended=self.contended,
        )

    def _witnesses(self, colour: Colour) -> Witnesses:
        red = self.log_verdict.verdict == "red" or self.real_verdict.verdict == "red"
        seen = bool(self.starts or self.reals)
        return Witnesses(
            log=_testimony(colour, more=red) if seen else "silent",
            identity=_testimony(colour, more=len(self.models) > 1) if self.models else "silent",
        )

    def _of_threads(self, calls: list[Call]) -> str:
        return f"{len(calls):,} of {counted(self.report.asked.threads, 'thread')}"


def _testimony(colour: Colour, *, more: bool) -> Testimony:
    if colour == "inconclusive":
        return "agrees"
    return "agrees" if more == (colour == "red") else "disagrees"


def _variant(call: Call) -> Variant:
    return Variant(
        "probe",
        f"thread-{call.thread}",
        "failed" if call.error else "answered",
        sent=call.entered,
        answered=call.returned,
        error=call.error,
    )


def _first(calls: list[Call]) -> str:
    return (calls[0].error or "").splitlines()[0][:200]


def _status(report: ProbeReport) -> str:
    if report.status is None:
        return "nobody knows why"
    return f"signal {-report.status}" if report.status < 0 else f"exit status {report.status}"
