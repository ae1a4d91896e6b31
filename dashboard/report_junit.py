"""A run as JUnit XML, for CI systems: a test case per trial.

Red is a *failure*: the thing under test is wrong. Inconclusive is an *error*, not *skipped*: CI systems pass
a build with skipped cases, and a run that proved nothing must never pass for a proof. Both stop a build, and
a reader sees which of the two it was.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as Xml

from dashboard.evidence import Verdict
from dashboard.printable import printable
from dashboard.record import RunRecord, TrialRecord
from dashboard.report import final_verdict, iso
from dashboard.wording import contention_words, failures, memory_words

__all__ = ["junit"]

_TAGS: Final = {"red": "failure", "inconclusive": "error"}
_RANKS: Final = {"green": 0, "inconclusive": 1, "red": 2}


def junit(record: RunRecord) -> str:
    """Return the XML document for a run that has ended."""
    suite = Xml.Element("testsuite", name="loadonce", timestamp=(iso(record.created_at) or "").rstrip("Z"))
    _add_properties(suite, record)
    trials = [trial for trial in record.trials if trial.role == "trial"]
    for trial in trials:
        _add_trial(suite, record, trial)
    verdict = final_verdict(record)
    worst = max((_RANKS[trial.verdict.verdict] for trial in trials if trial.verdict is not None), default=-1)
    if verdict is not None and _RANKS[verdict.verdict] > worst:
        # What no trial shows by itself: a control that did not go red, or a run without a trial.
        case = _case(suite, record, f"the run as a whole ({record.status})", 0.0)
        _add_result(case, verdict)
    cases = suite.findall("testcase")
    totals = {
        "tests": str(len(cases)),
        "failures": str(len(suite.findall("testcase/failure"))),
        "errors": str(len(suite.findall("testcase/error"))),
        "skipped": "0",
        "time": f"{sum(float(case.get('time', '0')) for case in cases):.3f}",
    }
    for name, value in totals.items():
        suite.set(name, value)
    root = Xml.Element("testsuites", {"name": "loadonce"} | totals)
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _add_properties(suite: Xml.Element, record: RunRecord) -> None:
    settings, control, failed = record.settings, record.control, failures(record)
    verdict = final_verdict(record)
    values = {
        "run_id": record.run_id,
        "status": record.status,
        "actor": record.actor,
        "target": settings.target,
        "guard": settings.guard,
        "variants": str(settings.variants),
        "repeat": str(settings.repeat),
        "control": "none" if control is None else f"{control.verdict} ({control.red} of {control.tries} red)",
        "contention": contention_words(verdict.counts)[1] if verdict is not None else "none",
        "failures": failed.text if failed is not None else "none",
        "memory": memory_words(record.shown_trial)[1],
    } | {f"version.{name}": version for name, version in record.versions.items()}
    properties = Xml.SubElement(suite, "properties")
    for name, value in values.items():
        Xml.SubElement(properties, "property", name=printable(name), value=printable(value))


def _add_trial(suite: Xml.Element, record: RunRecord, trial: TrialRecord) -> None:
    seconds = 0.0 if trial.ended_at is None else trial.ended_at - trial.started_at
    case = _case(
        suite, record, f"trial {trial.number}: {record.settings.variants} variants, one load", seconds
    )
    if trial.verdict is None:
        Xml.SubElement(case, "error", type="aborted", message="The trial did not come to its end.")
    else:
        _add_result(case, trial.verdict)


def _case(suite: Xml.Element, record: RunRecord, name: str, seconds: float) -> Xml.Element:
    target = f"loadonce.{printable(record.settings.target)}"
    return Xml.SubElement(suite, "testcase", classname=target, name=name, time=f"{seconds:.3f}")


def _add_result(case: Xml.Element, verdict: Verdict) -> None:
    reasons = [f"{reason.code}: {printable(reason.text)}" for reason in verdict.reasons]
    if verdict.verdict in _TAGS:
        code = verdict.reasons[0].code if verdict.reasons else verdict.verdict
        first = printable(verdict.reasons[0].text) if verdict.reasons else verdict.verdict
        result = Xml.SubElement(case, _TAGS[verdict.verdict], type=code, message=first)
        result.text = "\n".join(reasons)
    counts = verdict.counts
    facts = [
        f"verdict: {verdict.verdict}",
        *reasons,
        f"loads started: {counts.load_started}, completed: {counts.load_completed}, "
        f"failed: {counts.load_failed}",
        f"meta tensor errors: {counts.meta_tensor_errors}",
        f"variants answered: {counts.variants_ok} of {counts.variants}, contended: {counts.contended}",
    ]
    if verdict.latency_s is not None:
        latency = verdict.latency_s
        facts.append(f"latency s: p50 {latency.p50:.3f}, p95 {latency.p95:.3f}, max {latency.max:.3f}")
    Xml.SubElement(case, "system-out").text = "\n".join(facts)
