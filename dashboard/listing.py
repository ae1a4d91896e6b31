"""Runs and load events as the rows of a table. Pure; no widgets here."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from dashboard.engine.facts import ContainerFacts
from dashboard.evidence import LogLine
from dashboard.language import _, moment, number
from dashboard.printable import printable
from dashboard.record import RunRecord, TrialRecord
from dashboard.retold import told
from dashboard.settings import Guard
from dashboard.spans import origin
from dashboard.store import RunSummary
from dashboard.wording import (
    COLOUR_ICONS,
    COLOUR_WORDS,
    EVENT_WORDS,
    GUARD_LABELS,
    guard_words,
    seconds,
    target_label,
    when,
)

__all__ = [
    "container_rows",
    "event_rows",
    "run_label",
    "run_rows",
    "trial_label",
    "verdict_words",
]

_SHORT_NOTE: Final = 120
_SHORT_LINE: Final = 200
_COMPOSE: Final = "com.docker.compose."
_UNJUDGED: Final = {"running": "… Running", "failed": "! Not made", "interrupted": "! Interrupted"}


def verdict_words(summary: RunSummary) -> str:
    """Return the verdict of a run with its mark: never a colour alone."""
    if summary.status in ("running", "failed", "interrupted") and summary.verdict != "red":
        return _UNJUDGED[summary.status]
    if summary.verdict is None:
        return "– None"
    return f"{COLOUR_ICONS[summary.verdict]} {COLOUR_WORDS[summary.verdict]}"


def run_rows(
    summaries: Iterable[RunSummary], hits: Mapping[str, LogLine] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Return a row for each run; `hits` are the lines of their logs for which they were found.

    Counts and seconds are numbers, so that the table sorts them as such; None where there is none.
    """
    rows = []
    for summary in summaries:
        ended = summary.finished_at
        hit = hits.get(summary.run_id)
        row: dict[str, Any] = {
            "When": when(summary.created_at),
            "Verdict": verdict_words(summary),
            "Tags": list(summary.tags),
            "Loads": summary.load_started,
            "p95 latency": summary.latency_p95_s,
            "Variants": f"{summary.jobs:,} × {summary.variants_per_job:,}",
            "Guard": _guard(summary),
            "Repeats": summary.repeat,
            "Took": ended - summary.created_at if ended is not None else None,
            "Target": summary.target,
            "By": summary.actor,
            "Note": " ".join(summary.note.split())[:_SHORT_NOTE] or None,
            "Run": summary.run_id,
        }
        if hit is not None:
            row = {"Its log says": printable(hit.text)[:_SHORT_LINE]} | row
        rows.append(row)
    return rows


def _guard(summary: RunSummary) -> str | None:
    if summary.target != "local":
        return None  # a container's own affair
    return GUARD_LABELS.get(summary.guard, summary.guard)  # type: ignore[call-overload,no-any-return]  # a str


def container_rows(
    containers: Iterable[ContainerFacts], allowed: Container[str], now: float
) -> list[dict[str, Any]]:
    """Return a row for each container, as an operator asks: does it live, since when, may it be tested?"""
    return [
        {
            "Name": each.name,
            "State": _state(each),
            "May be tested": "✓ Yes" if each.name in allowed else "– Only looked at",
            "Up for": seconds(now - each.started_at) if each.running and each.started_at else None,
            "Image": each.image,
            "Service": each.service,
            "Restarts": each.restarts,
            "Log": each.log_driver,
            "Labels": _labels(each),
        }
        for each in containers
    ]


def _labels(container: ContainerFacts) -> str | None:
    """Its owner's labels; what compose writes down for itself says nothing to anybody else."""
    own = {name: value for name, value in container.labels.items() if not name.startswith(_COMPOSE)}
    return ", ".join(f"{name}={value}" for name, value in sorted(own.items())) or None


def _state(container: ContainerFacts) -> str:
    mark = {"running": "●", "paused": "‖", "restarting": "↻"}.get(container.state, "○")
    ended = f" (status {container.exit_code})" if container.exit_code else ""
    killed = ", out of memory" if container.oom_killed and not container.running else ""
    health = f", {container.health}" if container.health and container.running else ""
    return f"{mark} {container.state}{ended}{killed}{health}"


def run_label(summary: RunSummary) -> str:
    """Return one line that tells a run from every other: two can be launched alike within a second."""
    jobs, each = number(summary.jobs), number(summary.variants_per_job)
    return " · ".join(
        (
            when(summary.created_at),
            told(verdict_words(summary)),
            _("{jobs} × {each} variants", jobs=jobs, each=each),
            guard_words(cast("Guard", summary.guard))
            if summary.target == "local"
            else target_label(summary.target),
            summary.run_id.rpartition("-")[2],
        )
    )


def trial_label(record: RunRecord, place: int) -> str:
    """Return the name of the trial at `place`, from 1, with its verdict."""
    trial = record.trials[place - 1]
    name = f"Control {trial.number}, guard off" if trial.role == "control" else f"Trial {trial.number}"
    verdict = trial.verdict
    if verdict is None:
        return f"{name} · running"
    return f"{name} · {COLOUR_ICONS[verdict.verdict]} {COLOUR_WORDS[verdict.verdict]}"


def event_rows(trial: TrialRecord) -> list[dict[str, Any]]:
    """Return a row for each load event, in the order of time; log lines are counted from 1.

    An event that no line showed, because the worker itself told it, has no log line.
    """
    zero = origin(trial) or trial.started_at
    return [
        {
            "Since release (s)": round(event.time - zero, 4),
            "Clock": moment(event.time, "HH:mm:ss.SSS"),
            "What": EVENT_WORDS[event.kind],
            "Thread": event.thread or "–",
            "Load": event.load,
            "Log line": event.line + 1 if event.line >= 0 else None,
            "Log says": event.text,
        }
        for event in sorted(trial.events, key=lambda event: event.time)
    ]
