"""A run in words for the terminal: verdict, reasons, control, latencies, where to look next. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import click

from dashboard.diagnosis import Finding
from dashboard.evidence import Colour, Counts, Latency, Verdict
from dashboard.printable import printable
from dashboard.record import RunRecord, TrialRecord
from dashboard.report import final_verdict, findings
from dashboard.wording import (
    COLOUR_ICONS,
    contention_words,
    control_words,
    failures,
    headline,
    lead,
    memory_words,
    plural,
    seconds,
    settings_title,
    unchecked,
    when,
)

__all__ = ["TERMINAL_COLOURS", "badge", "summary", "summary_of_log", "trial_line", "wrapped"]

TERMINAL_COLOURS: Final[dict[Colour, str]] = {"green": "green", "red": "red", "inconclusive": "yellow"}
_WIDTH: Final = 100
_LABEL: Final = 10
_MOST_FINDINGS: Final = 2  # the likeliest ones; the page and the JSON have all


def badge(colour: Colour) -> str:
    """Return the verdict as an icon and a word, in its colour: never by colour alone."""
    return click.style(f"{COLOUR_ICONS[colour]} {colour.upper()}", fg=TERMINAL_COLOURS[colour], bold=True)


def summary(record: RunRecord) -> Iterator[str]:
    """Yield the lines that tell a run, for a terminal; colours go where there is none."""
    verdict = final_verdict(record)
    if verdict is None:
        yield f"… RUNNING  {printable(record.message)}"
    else:
        yield f"{badge(verdict.verdict)}  {click.style(printable(headline(record, verdict)), bold=True)}"
        said = printable(lead(record, verdict))
        if said and all(said != printable(reason.text) for reason in verdict.reasons):
            yield from wrapped("", said)
        yield from wrapped("Counts", _counts(verdict.counts))
        for number, reason in enumerate(verdict.reasons):
            yield from wrapped("" if number else "Why", f"{printable(reason.text)} [{reason.code}]")
        yield from _likely(findings(record))
        if record.status != "failed":
            yield from wrapped("Control", ": ".join(control_words(record)))
        yield from wrapped("Contended", ": ".join(contention_words(verdict.counts)))
        if verdict.latency_s is not None:
            yield from wrapped("Latency", _latency(verdict.latency_s))
        said = f"log {verdict.witnesses.log}, identity {verdict.witnesses.identity}"
        said += f", memory {verdict.witnesses.memory}, worker {verdict.witnesses.report}"
        yield from wrapped("Witnesses", said)
        yield from wrapped("Memory", memory_words(record.shown_trial)[1])
        if verdict.not_checked:
            yield from wrapped("Unchecked", " ".join(unchecked(verdict)))
    proper = [trial for trial in record.trials if trial.role == "trial"]
    if len(proper) > 1:
        yield from wrapped("Trials", _tally(proper))
    failed = failures(record)
    if failed is not None and record.settings.repeat > 1:
        yield from wrapped("Failures", failed.text)
    shown = record.shown_trial
    if shown is not None and shown.skew_ms is not None:
        yield from wrapped("Skew", f"{shown.skew_ms:.2f} ms from the first request's departure to the last's")
    for warning in record.warnings:
        yield from wrapped("Warning", printable(warning))
    for note in shown.notes if shown is not None else ():
        yield from wrapped("Note", printable(note))
    took = "" if record.finished_at is None else f", took {seconds(record.finished_at - record.created_at)}"
    yield from wrapped("Run", record.run_id)
    if record.sweep is not None:
        yield from wrapped("Sweep", record.sweep)
    yield from wrapped("", f"{settings_title(record.settings)}; {when(record.created_at)}{took}")


def summary_of_log(verdict: Verdict, findings: Sequence[Finding], lines: int) -> Iterator[str]:
    """Yield the lines that tell the verdict on a log alone, for a terminal."""
    yield f"{badge(verdict.verdict)}  {click.style(printable(verdict.reasons[0].text), bold=True)}"
    yield from wrapped("Counts", f"{_counts(verdict.counts)}, in {plural(lines, 'line')}")
    for number, reason in enumerate(verdict.reasons):
        yield from wrapped("" if number else "Why", f"{printable(reason.text)} [{reason.code}]")
    yield from _likely(findings)
    if verdict.not_checked:
        yield from wrapped("Unchecked", " ".join(unchecked(verdict)))


def _likely(findings: Sequence[Finding]) -> Iterator[str]:
    shown = findings[:_MOST_FINDINGS]
    for finding in shown:
        yield from wrapped("Likely", printable(f"{finding.cause} {finding.cure}"))
    example = next((each.example for each in shown if each.example is not None), None)
    for number, line in enumerate(example.splitlines() if example is not None else ()):
        yield f"  {click.style(('' if number else 'Code').ljust(_LABEL), dim=True)}{line}".rstrip()


def trial_line(trial: TrialRecord, repeat: int) -> str:
    """Return a judged trial in one line."""
    name = (
        f"control {trial.number}, guard {trial.guard}" if trial.role == "control" else f"trial {trial.number}"
    )
    if trial.role == "trial" and repeat > 1:
        name += f" of {repeat}"
    if trial.verdict is None:
        return f"{name}: not judged"
    took = "" if trial.ended_at is None else f" ({seconds(trial.ended_at - trial.started_at)})"
    said: str = trial.verdict.verdict
    if trial.role == "control" and said == "red":
        said = "red, and stopped at that"  # so its counts are no whole trial's
    return f"{name}: {said}, {_counts(trial.verdict.counts)}{took}"


def _counts(counts: Counts) -> str:
    parts = [plural(counts.load_started, "start"), plural(counts.load_completed, "completion")]
    if counts.load_failed:
        parts.append(plural(counts.load_failed, "failed load"))
    parts.append(plural(counts.meta_tensor_errors, "meta tensor error"))
    if counts.unique_models is not None:
        parts.append(plural(counts.unique_models, "model"))
    if counts.variants is not None and counts.variants_ok is not None:
        parts.append(f"{counts.variants_ok:,} of {counts.variants:,} variants answered")
    if counts.contended is not None and counts.load_completed:
        parts.append(f"{counts.contended:,} contended")
    return ", ".join(parts)


def _latency(latency: Latency) -> str:
    values = {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99, "max": latency.max}
    return ", ".join(f"{name} {seconds(value)}" for name, value in values.items())


def _tally(trials: Iterable[TrialRecord]) -> str:
    colours = [trial.verdict.verdict for trial in trials if trial.verdict is not None]
    words = [f"{colours.count(colour):,} {colour}" for colour in TERMINAL_COLOURS if colour in colours]
    return ", ".join(words) or "none was judged"


def wrapped(label: str, text: str, width: int = _LABEL) -> Iterator[str]:
    """Yield a text beside its label, in as many lines as it takes."""
    # Ids must stay whole: nothing is broken inside a word, and nothing is cut.
    lines = textwrap.wrap(text, _WIDTH - 2 - width, break_long_words=False, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield f"  {click.style((label if number == 0 else '').ljust(width), dim=True)}{line}"
