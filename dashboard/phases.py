"""The picture of a run that the live board draws, as plain JSON: steps, verdict, figures, rows. Pure.

    RunRecord --board_view--> dict --WebSocket or component data--> run_board.js

The board holds no rule of its own: every word and every number that it shows is made here.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from typing import Any, Final, Literal

from dashboard import wording
from dashboard.diagnosis import diagnose_trial
from dashboard.evidence import Counts, Variant, Verdict
from dashboard.latency import latency_of
from dashboard.record import RunRecord, TrialRecord
from dashboard.settings import Guard, RunSettings
from dashboard.spans import Span, VariantRow, origin, planned_row, variant_rows
from dashboard.triggers.base import plan_variants

__all__ = ["Span", "VariantRow", "board_view", "live_counts", "trial_of", "variant_rows"]

_STEPS: Final = (
    ("preflight", "Check", ("preflight", "warm-up")),
    ("restart", "Fresh worker", ("restart",)),
    ("alive", "Alive", ("alive",)),
    ("release", "Release", ("release",)),
    ("settle", "Settle", ("settle",)),
    ("control", "Control", ()),
    ("verdict", "Verdict", ("verdict", "store", "done")),
)
_MOST_ERRORS: Final = 4
_SPAN_CODES: Final = {"waiting": "w", "loading": "l", "answering": "a"}


def board_view(record: RunRecord, trial: int | None = None, *, now: float | None = None) -> dict[str, Any]:
    """Return everything that the board shows of `record`, ready for `json.dumps`.

    Args:
        trial: place of the trial to show among `record.trials`, from 1; None is the one that decides the
            verdict, or the newest proper one while the run goes on.
        now: Unix seconds that running bars are drawn up to; None asks the clock.
    """
    shown = trial_of(record, trial)
    verdict = _verdict_of(record, shown, chosen=trial is not None)
    counts = verdict.counts if verdict is not None else live_counts(shown)
    rows = variant_rows(shown) if shown is not None and shown.variants else _planned(record)
    judged = verdict is not None or not record.running or (shown is not None and shown.ended_at is not None)
    return {
        "run_id": record.run_id,
        "title": wording.settings_title(record.settings),
        "running": record.running,
        "status": record.status,
        "now": time.time() if now is None else now,
        "created_at": record.created_at,
        "finished_at": record.finished_at,
        "facts": _facts(record, shown),
        "trial": None if shown is None else record.trials.index(shown) + 1,
        "zero": None if shown is None else origin(shown),
        "trial_ended": None if shown is None else shown.ended_at,
        "steps": _steps(record),
        "banner": _banner(record, verdict, control=shown is not None and shown.role == "control"),
        "figures": _figures(counts, shown, judged=judged),
        "latency": _latency(verdict, shown),
        "measures": _measures(record, shown, counts),
        "control": _control(record),
        "trials": _trials(record, shown),
        "reasons": [asdict(reason) for reason in verdict.reasons] if verdict is not None else [],
        "not_checked": wording.unchecked(verdict) if verdict is not None else [],
        "errors": _errors(shown),
        "findings": _findings(record, shown, verdict),
        "notes": [*record.warnings, *(shown.notes if shown is not None else ())],
        "rows": [_row(row, jobs=record.settings.jobs) for row in rows],
    }


def trial_of(record: RunRecord, place: int | None) -> TrialRecord | None:
    """Return the trial at this place, from 1, or the one to look at when there is none such."""
    if place is not None and 1 <= place <= len(record.trials):
        return record.trials[place - 1]
    return record.shown_trial


def live_counts(trial: TrialRecord | None) -> Counts:
    """Return what can be counted before the verdict is there: occurrences in the log, models in answers."""
    if trial is None:
        return Counts(unique_models=0)
    kinds = [event.kind for event in trial.events]
    answered = [variant for variant in trial.variants if variant.state == "answered"]
    return Counts(
        load_started=kinds.count("started"),
        load_completed=kinds.count("completed"),
        load_failed=kinds.count("failed"),
        meta_tensor_errors=kinds.count("meta_tensor_error"),
        unique_models=len({(variant.boot, variant.load_id) for variant in answered}),
        workers=max(len({worker.boot for worker in trial.workers}), 1),
        variants=len(trial.variants),
        variants_ok=len(answered),
    )


def _verdict_of(record: RunRecord, shown: TrialRecord | None, *, chosen: bool) -> Verdict | None:
    if chosen and shown is not None:
        return shown.verdict
    return record.verdict


def _planned(record: RunRecord) -> tuple[VariantRow, ...]:
    variants: tuple[Variant, ...] = plan_variants(record.settings.jobs, record.settings.variants_per_job)
    return tuple(planned_row(variant) for variant in variants)


def _facts(record: RunRecord, shown: TrialRecord | None) -> list[list[str]]:
    guard = shown.guard if shown is not None else record.settings.guard
    return [
        ["Launched", wording.when(record.created_at)],
        ["By", record.actor],
        ["Target", record.settings.target],
        *_loader_facts(record.settings, guard),
        ["Run", record.run_id],
        *([["Sweep", record.sweep]] if record.sweep is not None else []),
    ]


def _loader_facts(settings: RunSettings, guard: Guard) -> list[list[str]]:
    """What the run itself has set of the loader: nothing, where the service is a container."""
    if settings.target != "local":
        return []
    return [["Guard", wording.GUARD_LABELS[guard]], ["Model", settings.model or "demo checkpoint"]]


def _steps(record: RunRecord) -> list[dict[str, str]]:
    shown = [step for step in _STEPS if step[0] != "control" or record.settings.wants_control]
    current = [key for key, _, _ in shown].index(_step_of(record))
    states: list[dict[str, str]] = []
    for index, (key, label, _) in enumerate(shown):
        if key == "control" and record.control is None and (not record.running or index < current):
            state = "skipped"
        elif record.status == "finished" or index < current:
            state = "done"
        elif index > current:
            state = "todo"
        else:
            state = "current" if record.running else "stopped"
        states.append({"id": key, "label": label, "state": state})
    return states


def _step_of(record: RunRecord) -> str:
    """Where the run stands among the steps that are shown."""
    step = next((key for key, _, steps in _STEPS if record.step in steps), "preflight")
    newest = record.trials[-1] if record.trials else None
    if newest is not None and newest.role == "control" and record.step not in ("store", "done"):
        return "control"
    # Each trial is judged by itself; only the last judgement is the run's, and the stepper goes forward.
    return "settle" if record.step == "verdict" and record.settings.wants_control else step


def _banner(record: RunRecord, verdict: Verdict | None, *, control: bool) -> dict[str, str]:
    if record.running and verdict is None:
        text = record.message or "Every line and every answer is shown as it comes in."
        return {"tone": "running", "icon": "", "headline": wording.running_headline(record), "lead": text}
    tone: Literal["green", "red", "inconclusive"] = verdict.verdict if verdict is not None else "inconclusive"
    icon = wording.COLOUR_ICONS[tone] if verdict is not None else "!"
    said = wording.headline(record, verdict)
    return {
        "tone": tone,
        "icon": icon,
        "headline": f"Control, guard off: {said}" if control else said,
        "lead": wording.lead(record, verdict),
    }


def _figures(counts: Counts, shown: TrialRecord | None, *, judged: bool) -> list[dict[str, Any]]:
    workers = wording.workers_of(counts)
    right = max(workers, _subjects(shown))
    target = f"{right} is right"
    if right > 1:
        target = f"{right} is right: one for each {'worker' if right == workers else 'model'}"
    return [
        _figure("starts", "Load starts", counts.load_started, right, target, judged),
        _figure("completions", "Load completions", counts.load_completed, right, target, judged),
        _figure("meta", "Meta tensor errors", counts.meta_tensor_errors, 0, "0 is right", judged),
        _figure("models", "Unique models", counts.unique_models, right, target, judged),
    ]


def _subjects(shown: TrialRecord | None) -> int:
    """How many models were loaded, those of each worker for themselves: each may be loaded once."""
    if shown is None:
        return 0
    known = {worker.boot for worker in shown.workers} | {variant.boot for variant in shown.variants}
    return len(
        {
            (event.boot, event.model)
            for event in shown.events
            if event.kind == "started" and event.boot in known
        }
    )


def _figure(key: str, label: str, value: int | None, right: int, target: str, judged: bool) -> dict[str, Any]:
    if value is None:
        return {"id": key, "label": label, "value": "–", "tone": "none", "target": "not known here"}
    if value > right:
        tone = "bad"
    elif value == right and (judged or right > 0):
        tone = "good"
    else:
        tone = "bad" if judged else "open"
    return {"id": key, "label": label, "value": f"{value:,}", "tone": tone, "target": target}


def _latency(verdict: Verdict | None, shown: TrialRecord | None) -> list[list[str]]:
    found = verdict.latency_s if verdict is not None else None
    if found is None and shown is not None:
        found = latency_of(shown.variants)
    names = ("p50", "p95", "p99", "max")
    return [[name, wording.seconds(getattr(found, name) if found is not None else None)] for name in names]


def _measures(record: RunRecord, shown: TrialRecord | None, counts: Counts) -> list[list[str]]:
    skew = None if shown is None or shown.skew_ms is None else shown.skew_ms / 1000
    alive = None if shown is None else shown.alive_s
    contended, met = "–", "variants that met while it was loading"
    if counts.contended is not None and counts.load_completed:
        contended = f"{counts.contended:,} of {counts.variants or 0:,}"
    elif counts.contended is not None:
        met = "not known: no load was completed"
    measures = [
        ["Released within", wording.seconds(skew), "from the first request to the last"],
        ["In flight during the load", contended, met],
        ["Worker alive after", wording.seconds(alive), "a fresh process, nothing loaded yet"],
    ]
    if shown is not None and shown.verdict is not None and wording.memory_words(shown)[0] != "–":
        measures.append(["Models in its memory", *wording.memory_words(shown)])
    failed = wording.failures(record)
    if failed is not None and record.settings.repeat > 1:
        measures.append(["Failed trials", f"{failed.failed:,} of {failed.trials:,}", failed.text])
    return measures


def _control(record: RunRecord) -> dict[str, str]:
    heading, text = wording.control_words(record)
    control = record.control
    tone = "none" if control is None else ("good" if control.red else "doubt")
    return {"tone": tone, "heading": heading, "text": text}


def _trials(record: RunRecord, shown: TrialRecord | None) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {
            "place": place,
            "label": "Control" if trial.role == "control" else str(trial.number),
            "tone": trial.verdict.verdict if trial.verdict is not None else "running",
            "shown": trial is shown,
            "words": _trial_words(trial),
        }
        for place, trial in enumerate(record.trials, start=1)
    ]
    # Those to come have their place from the start, so that nothing moves when they begin.
    proper = sum(trial.role == "trial" for trial in record.trials)
    to_come = [str(number) for number in range(proper + 1, record.settings.repeat + 1)]
    if record.settings.wants_control and all(trial.role == "trial" for trial in record.trials):
        to_come.append("Control")
    what = "to come" if record.running else "not made"
    return made + [
        {"place": None, "label": label, "tone": "planned", "shown": False, "words": f"{label}: {what}"}
        for label in to_come
    ]


def _trial_words(trial: TrialRecord) -> str:
    what = "Control, guard off" if trial.role == "control" else f"Trial {trial.number}"
    verdict = trial.verdict
    return f"{what}: {wording.COLOUR_WORDS[verdict.verdict].lower() if verdict is not None else 'running'}"


def _errors(shown: TrialRecord | None) -> list[str]:
    """What the failed variants were told, the most frequent first: the rows have no room for it."""
    told = Counter(variant.error for variant in shown.variants if variant.error) if shown is not None else {}
    return [f"{count:,} × {error}" for error, count in Counter(told).most_common(_MOST_ERRORS)]


def _findings(record: RunRecord, shown: TrialRecord | None, verdict: Verdict | None) -> list[dict[str, Any]]:
    if shown is None or verdict is None:
        return []
    return [asdict(finding) for finding in diagnose_trial(record, shown, verdict)]


def _row(row: VariantRow, *, jobs: int) -> dict[str, Any]:
    job, _, variant = row.id.rpartition(".")
    # Short, because a phone has no room for more, and names that are cut all look the same.
    name = f"{job}.{variant.removeprefix('variant-')}" if jobs > 1 else variant
    return {
        "id": row.id,
        "name": name.replace("-", " ").replace(".", " · "),
        "state": row.state,
        "words": row.words,
        "spans": [[_SPAN_CODES[span.kind], span.start, span.end] for span in row.spans],
    }
