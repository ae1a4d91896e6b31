"""A run as one HTML page that needs nothing else: no script, no font, no picture from anywhere.

Everything that came from outside is escaped, and the page's own policy forbids requests, and every script but
the two that draw its charts, so that a report can be opened from a mail without a thought.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from dashboard.diagnosis import Finding
from dashboard.evidence import LogEvent, Reason, Variant, Verdict
from dashboard.printable import printable
from dashboard.record import RunRecord, TrialRecord
from dashboard.report import final_verdict, findings, iso
from dashboard.report_charts import charts_of, drawing, figures_html, script_policy
from dashboard.wording import (
    COLOUR_ICONS,
    COLOUR_WORDS,
    EVENT_WORDS,
    contention_words,
    control_words,
    failures,
    headline,
    lead,
    memory_words,
    seconds,
    settings_title,
    unchecked,
)

__all__ = ["page"]

_STYLE: Final = Path(__file__).with_name("report_page.css")
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
    "form-action 'none'; script-src {}"
)
_MOST_EVENTS: Final = 2000
"""More rows than that are read by programs: they are in the CSV and JSON reports."""


def page(record: RunRecord) -> str:
    """Return the page for a run. Of several trials, the one that decided is shown whole, each by a row."""
    verdict = final_verdict(record)
    shown = record.shown_trial
    charts = () if shown is None else charts_of(shown)
    parts = [_banner(record, verdict)]
    if verdict is not None:
        parts += [_figures(verdict, shown), _reasons("Why", verdict.reasons)]
        if likely := findings(record):
            parts.append(_findings(likely))
        if verdict.not_checked:
            parts.append(_list("Not checked", unchecked(verdict)))
    parts.append(_control(record, verdict))
    parts.append(figures_html(charts))
    if record.warnings:
        parts.append(_list("Warnings", record.warnings))
    failed = failures(record)
    if failed is not None and record.settings.repeat > 1:
        parts.append(_list("Failures", (failed.text,)))
    if len(record.trials) > 1:
        parts.append(_trials(record.trials))
    if shown is not None:
        parts += [_variants(shown), _events(shown)]
    parts.append(_settings(record))
    policy = _POLICY.format(script_policy(charts))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(_word(verdict))} · run {_text(record.run_id)} · Loadonce</title>\n"
        f"<style>\n{_STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(filter(None, parts))
        + f"\n</main>\n<footer>Loadonce, run <code>{_text(record.run_id)}</code>. The JSON report of the run "
        f"holds every trial with all its variants and events.</footer>\n{drawing(charts)}</body>\n</html>\n"
    )


def _word(verdict: Verdict | None) -> str:
    return "Running" if verdict is None else COLOUR_WORDS[verdict.verdict]


def _banner(record: RunRecord, verdict: Verdict | None) -> str:
    colour = "" if verdict is None else verdict.verdict
    icon = "…" if verdict is None else COLOUR_ICONS[verdict.verdict]
    title = record.message if record.running else headline(record, verdict)
    started = iso(record.created_at) or ""
    took = "" if record.finished_at is None else f", took {seconds(record.finished_at - record.created_at)}"
    return (
        f'<header class="banner {colour}">\n'
        f'<p><span aria-hidden="true">{icon}</span> {_text(_word(verdict))}</p>\n'
        f'<h1>{_text(title)}</h1>\n<p class="lead">{_text(lead(record, verdict))}</p>\n'
        f'<p class="soft">{_text(settings_title(record.settings))} · {_text(started)}{_text(took)} · '
        f"by {_text(record.actor)}</p>\n</header>"
    )


def _figures(verdict: Verdict, shown: TrialRecord | None) -> str:
    counts, latency = verdict.counts, verdict.latency_s
    figures: list[tuple[str, object]] = [
        ("Load starts", counts.load_started),
        ("Load completions", counts.load_completed),
        ("Failed loads", counts.load_failed),
        ("Meta tensor errors", counts.meta_tensor_errors),
        ("Unique models", counts.unique_models),
        ("Workers", counts.workers),
        ("Answered", f"{_shown(counts.variants_ok)} of {_shown(counts.variants)}"),
        ("Contended", counts.contended),
    ]
    if latency is not None:
        values = (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99), ("max", latency.max))
        figures += [(f"Latency {name}", seconds(value)) for name, value in values]
    if shown is not None and shown.skew_ms is not None:
        figures.append(("Release skew", seconds(shown.skew_ms / 1000)))
    cells = "".join(f"<div><dt>{name}</dt><dd>{_text(_shown(value))}</dd></div>\n" for name, value in figures)
    said = verdict.witnesses
    witnesses = f"log {said.log}, identity {said.identity}, memory {said.memory}, worker {said.report}."
    return (
        f'<dl class="figures">\n{cells}</dl>\n<p class="soft">Witnesses: {_text(witnesses)} '
        f"{_text(memory_words(shown)[1])}</p>"
    )


def _reasons(title: str, reasons: Iterable[Reason]) -> str:
    rows = "".join(f"<li><code>{_text(r.code)}</code> {_text(r.text)}</li>\n" for r in reasons)
    return f"<h2>{title}</h2>\n<ul>\n{rows}</ul>"


def _list(title: str, sentences: Iterable[str]) -> str:
    rows = "".join(f"<li>{_text(sentence)}</li>\n" for sentence in sentences)
    return f"<h2>{title}</h2>\n<ul>\n{rows}</ul>"


def _findings(found: Iterable[Finding]) -> str:
    rows = "".join(
        f"<li>{_text(f'{each.cause} {each.cure}')}"
        + (f"\n<pre tabindex=0>{escape(each.example)}</pre>" if each.example is not None else "")
        + "</li>\n"
        for each in found
    )
    return f"<h2>Likely cause and cure</h2>\n<ul>\n{rows}</ul>"


def _control(record: RunRecord, verdict: Verdict | None) -> str:
    short, sentence = control_words(record)
    html = f"<h2>Control: {_text(short)}</h2>\n<p>{_text(sentence)}</p>"
    if record.control is not None and record.control.reasons:
        html += "\n<ul>" + "".join(f"<li>{_text(r.text)}</li>" for r in record.control.reasons) + "</ul>"
    if verdict is not None:
        met, proves = contention_words(verdict.counts)
        html += f"\n<h2>Contention: {_text(met)}</h2>\n<p>{_text(proves)}</p>"
    return html


def _trials(trials: Iterable[TrialRecord]) -> str:
    rows = []
    for trial in trials:
        counts = None if trial.verdict is None else trial.verdict.counts
        took = None if trial.ended_at is None else trial.ended_at - trial.started_at
        rows.append(
            [
                f"{trial.role} {trial.number}",
                trial.guard,
                "–" if trial.verdict is None else trial.verdict.verdict,
                "–" if counts is None else counts.load_started,
                "–" if counts is None else counts.load_completed,
                "–" if counts is None else counts.meta_tensor_errors,
                "–" if counts is None else f"{_shown(counts.variants_ok)} of {_shown(counts.variants)}",
                seconds(took),
            ]
        )
    names = ("Trial", "Guard", "Verdict", "Starts", "Completions", "Meta tensor errors", "Answered", "Took")
    return _table("Trials", names, rows)


def _variants(trial: TrialRecord) -> str:
    def row(variant: Variant) -> Sequence[object]:
        sent = variant.sent
        after = None if sent is None or trial.released_at is None else sent - trial.released_at
        worker = "–" if variant.boot is None else f"{variant.boot} (pid {_shown(variant.pid)})"
        return (
            variant.job_id,
            variant.variant_id,
            variant.state,
            seconds(after),
            seconds(variant.latency_s),
            _ms(variant.waited_ms),
            _ms(variant.infer_ms),
            worker,
            variant.load_id,
            variant.error or variant.answer,
        )

    names = (
        "Job",
        "Variant",
        "State",
        "Sent after",
        "Latency",
        "Waited",
        "Inference",
        "Worker",
        "Load",
        "Answer",
    )
    return _table(f"Variants of {trial.role} {trial.number}", names, map(row, trial.variants))


def _events(trial: TrialRecord) -> str:
    def row(event: LogEvent) -> Sequence[object]:
        after = "–" if trial.released_at is None else f"{event.time - trial.released_at:+.3f} s"
        return (
            after,
            EVENT_WORDS.get(event.kind, event.kind),
            event.boot,
            event.load,
            event.thread,
            event.line + 1,
            event.text,
        )

    names = ("After release", "Event", "Worker", "Load", "Thread", "Line", "Log")
    table = _table(
        f"Load events of {trial.role} {trial.number}", names, map(row, trial.events[:_MOST_EVENTS])
    )
    if len(trial.events) <= _MOST_EVENTS:
        return table
    return (
        f"{table}\n<p class=soft>These are the first {_MOST_EVENTS:,} of {len(trial.events):,} events; all "
        "are in the JSON and CSV reports of the run.</p>"
    )


def _settings(record: RunRecord) -> str:
    settings = record.settings
    rows: list[tuple[str, object]] = [
        ("Run", record.run_id),
        ("Status", record.status),
        ("Target", settings.target),
        ("Jobs", settings.jobs),
        ("Variants per job", settings.variants_per_job),
        ("Repeats", settings.repeat),
        ("Guard", settings.guard),
        ("Timeout", f"{settings.timeout_s:g} s"),
        ("Model", settings.model or "the demo checkpoint"),
        *((f"Version of {name}", version) for name, version in record.versions.items()),
    ]
    return _table("Settings", ("Setting", "Value"), rows)


def _table(title: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th scope=col>{_text(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="wide">{_text(_shown(cell))}</td>'
            if number == len(row) - 1
            else f"<td>{_text(_shown(cell))}</td>"
            for number, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    if not body:
        return f"<h2>{_text(title)}</h2>\n<p class=soft>None were seen.</p>"
    return (
        f"<h2>{_text(title)}</h2>\n<div class=scroll tabindex=0><table>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def _ms(value: float | None) -> str:
    return "–" if value is None else seconds(value / 1000)


def _shown(value: object) -> str:
    return "–" if value is None else str(value)


def _text(value: str) -> str:
    return escape(printable(value))
