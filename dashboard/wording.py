"""The words that an operator reads about a run: headlines, steps, modes and durations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dashboard.evidence import Colour, Counts, Verdict
from dashboard.failure_rate import Failures, failures_of
from dashboard.language import _, moment, n_, number
from dashboard.memory import steps_of
from dashboard.record import RunRecord, Step, TrialRecord
from dashboard.settings import Guard, RunSettings

__all__ = [
    "COLOUR_ICONS",
    "COLOUR_WORDS",
    "EVENT_WORDS",
    "GUARD_CAPTIONS",
    "GUARD_LABELS",
    "TARGET_LABELS",
    "contention_words",
    "control_words",
    "failures",
    "guard_words",
    "headline",
    "lead",
    "memory_words",
    "plural",
    "running_headline",
    "seconds",
    "settings_sentence",
    "settings_title",
    "target_label",
    "unchecked",
    "when",
]

COLOUR_WORDS: Final[Mapping[Colour, str]] = {"green": "Green", "red": "Red", "inconclusive": "Inconclusive"}
COLOUR_ICONS: Final[Mapping[Colour, str]] = {"green": "✓", "red": "✕", "inconclusive": "?"}

TARGET_LABELS: Final[Mapping[str, str]] = {
    "local": "This machine: a fresh worker process for every trial",
}


def target_label(target: str) -> str:
    """Return what a target is, for a list to choose from."""
    return TARGET_LABELS.get(target) or f"Container {target.removeprefix('container:')}"


GUARD_LABELS: Final[Mapping[Guard, str]] = {
    "on": "On",
    "off": "Off",
    "no-second-check": "No second check",
    "per-model": "A lock for each model",
}
GUARD_CAPTIONS: Final[Mapping[Guard, str]] = {
    "on": "The loader as you would ship it: one load at a time in the process, everybody else waits for it.",
    "off": "No lock at all. Every variant that finds no model loads one: expect red.",
    "no-second-check": "A lock, but nobody looks again inside it: one load after the other. Expect red.",
    "per-model": "Two models, each with a correct lock of its own, loaded at the same time. Expect red.",
}
EVENT_WORDS: Final[Mapping[str, str]] = {
    "requested": "asked for the model",
    "waiting": "waits for a load under way",
    "started": "load started",
    "progress": "load in progress",
    "completed": "load completed",
    "failed": "load failed",
    "meta_tensor_error": "meta tensor error",
    "released": "model given up",
}

_STEP_HEADLINES: Final[Mapping[Step, str]] = {
    "preflight": "Checking that the run can start",
    "warm-up": "Warming up: importing torch, once",
    "restart": "Starting a fresh worker",
    "alive": "Waiting until the worker answers",
    "release": "Releasing {variants} at the same instant",
    "settle": "Watching the load and the answers",
    "verdict": "Judging what was seen",
    "store": "Keeping the record",
    "done": "Finishing",
}

_UNPROVEN: Final[Mapping[str, str]] = {
    "no_load": "no load was seen",
    "unfinished": "a load did not come to its end",
    "end_without_start": "a load ended that was never seen to start",
    "retried": "the first load failed, a later one succeeded",
    "gap": "a part of the log is missing",
    "restarted": "the worker restarted in the middle",
    "reloaded": "the model was given up and loaded again",
    "loaded_before_release": "the model was loaded before the release",
    "not_answered": "not every variant was answered",
    "no_contention": "the variants did not meet during the load",
    "control_not_red": "with the guard off it did not fail either",
    "witness_disagrees": "the witnesses disagree",
    "workers_unknown": "an unknown worker wrote to the log",
    "aborted": "the run was stopped",
}


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return the count with its noun: `1 variant`, `1,000 variants`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def seconds(value: float | None) -> str:
    """Return a duration in the unit that people would use: `38 ms`, `0.84 s`, `2 min 5 s`."""
    if value is None:
        return "–"
    if value < 0.0995:
        return _("{value} ms", value=number(value * 1000, 1 if value < 0.00995 else 0))
    if value < 99.95:
        return _("{value} s", value=number(value, 2 if value < 9.995 else 1))
    minutes, rest = divmod(round(value), 60)
    return _("{minutes} min {rest} s", minutes=number(minutes), rest=rest)


def when(time: float) -> str:
    """Return a moment in the console's own time zone, to the second."""
    # Translators: a date and time in Unicode's own pattern letters
    return moment(time, _("dd MMM y, HH:mm:ss"))


def settings_title(settings: RunSettings) -> str:
    """Return what a run did, as short as a heading: `5 variants, guard on`."""
    if settings.jobs > 1:
        jobs, each = number(settings.jobs), number(settings.variants_per_job)
        count = _("{jobs} jobs × {each} variants", jobs=jobs, each=each)
    else:
        count = n_("{count} variant", "{count} variants", settings.variants)
    if settings.target != "local":
        parts = [_("{variants} at {name}", variants=count, name=settings.target.removeprefix("container:"))]
    else:
        parts = [count, guard_words(settings.guard)]
    if settings.warm:
        parts.append(_("warm"))
    if settings.repeat > 1:
        parts.append(n_("{count} time", "{count} times", settings.repeat))
    return ", ".join(parts)


def guard_words(guard: Guard) -> str:
    """Return a guard mode in the middle of a line: `guard on`, `guard: no second check`."""
    return {
        "on": _("guard on"),
        "off": _("guard off"),
        "no-second-check": _("guard: no second check"),
        "per-model": _("guard: a lock for each model"),
    }[guard]


def settings_sentence(settings: RunSettings) -> str:
    """Return what will happen when a run with these settings is launched."""
    ours = settings.target == "local"
    place = "a fresh worker" if ours else settings.target.removeprefix("container:")
    if settings.variants == 1:
        first = f"1 variant will be released at {place}. One alone cannot collide: release at least 2."
    else:
        first = f"{settings.variants:,} variants will be released at the same instant at {place}."
    if not ours:
        first = (f"{place} will be restarted. " if settings.restart else "") + first
    again = "each in a new process" if ours else "each after a restart"
    times = f" {settings.repeat:,} times, {again}." if settings.repeat > 1 else ""
    control = ""
    if settings.wants_control:
        control = " Then the same with the guard off, to show that this trial can fail."
    elif settings.guard != "on":
        control = " The guard is not fully on, so red is what should come out."
    return first + times + control


def running_headline(record: RunRecord) -> str:
    """Return what a running run does at this moment."""
    newest = record.trials[-1] if record.trials else None
    if newest is not None and newest.role == "control" and record.step not in ("store", "done"):
        return "Control: the same trial with the guard off"
    return _STEP_HEADLINES[record.step].format(variants=plural(record.settings.variants, "variant"))


def headline(record: RunRecord, verdict: Verdict | None) -> str:
    """Return the one line that says how a run ended."""
    if verdict is not None and verdict.verdict == "red":
        return _red_headline(verdict)
    if record.unreached is not None:
        return "The target is out of reach"
    if record.status == "failed":
        return "The run broke off" if _judged(record) else "The run could not be made"
    if record.status == "interrupted":
        return "The console ended in the middle of this run"
    if verdict is None:
        return "Ended without a verdict"
    if verdict.verdict == "green":
        return "Loaded exactly once"
    code = verdict.reasons[0].code if verdict.reasons else ""
    if code == "no_load" and record.settings.warm:
        return "A warm run: nothing was loaded, which by itself proves nothing of loading"
    return f"No proof either way: {_UNPROVEN.get(code, 'see the reasons')}"


def _red_headline(verdict: Verdict) -> str:
    counts, right = verdict.counts, workers_of(verdict.counts)
    codes = {reason.code for reason in verdict.reasons}
    # More loads than workers are right where each loaded another model: then no reason speaks of one model.
    several = not codes or "loaded_twice" in codes
    if several and (counts.load_started > right or counts.load_completed > right):
        most = max(counts.load_started, counts.load_completed)
        return f"Loaded more than once: {plural(most, 'load')}, {right} is right"
    if counts.meta_tensor_errors:
        return f"The load broke: {plural(counts.meta_tensor_errors, 'meta tensor error')}, 0 is right"
    if counts.unique_models is not None and counts.unique_models > right:
        return f"More than one model: {plural(counts.unique_models, 'model')} in use, {right} is right"
    if counts.load_failed or counts.load_completed < counts.load_started:
        return "The load failed, and no model came out of it"
    return "Not loaded exactly once"


def workers_of(counts: Counts) -> int:
    """Return how many loads are right: one for each worker process."""
    return max(counts.workers or 1, 1)


def lead(record: RunRecord, verdict: Verdict | None) -> str:
    """Return the sentence below the headline: what it rests on, or what to do now."""
    if record.running or verdict is None:
        return record.message
    if record.unreached is not None:
        return record.unreached
    counts = verdict.counts
    if verdict.verdict == "green":
        times = len(_judged(record))  # what was seen, not what was asked for
        if times > 1:
            many = plural(record.settings.variants, "variant")
            return f"{times:,} times: {many} asked at the same instant, and one load served them all."
        answered = counts.variants_ok if counts.variants_ok is not None else record.settings.variants
        if answered == 1:
            return "1 variant asked, one load served it."
        return f"{answered:,} variants asked at the same instant. One load served them all."
    reason = verdict.reasons[0].text if verdict.reasons else record.message
    proper = _judged(record)
    if len(proper) > 1 and verdict.verdict in proper:
        reason = f"In {proper.count(verdict.verdict):,} of {len(proper):,} trials. For one: {reason}"
    if verdict.verdict == "red" and record.settings.guard != "on":
        mode = GUARD_LABELS[record.settings.guard].lower()
        return f"{reason} This is what the guard prevents; in this run it was set to “{mode}”."
    return reason


def _judged(record: RunRecord) -> list[Colour]:
    return [trial.verdict.verdict for trial in record.trials if trial.role == "trial" and trial.verdict]


def control_words(record: RunRecord) -> tuple[str, str]:
    """Return what the control showed, as a short heading and a sentence."""
    control, settings = record.control, record.settings
    if control is not None and control.red:
        return (
            f"Red in {control.red:,} of {control.tries:,}",
            f"With the guard off the same trial went red in {control.red:,} of {control.tries:,}, so this "
            f"{'green means something' if _is_green(record) else 'trial tells good from bad'}.",
        )
    if control is not None and control.verdict == "inconclusive" and control.reasons:
        return (
            f"Not red in {plural(control.tries, 'try', 'tries')}",
            "Guard off, same trial: it ended for another reason, which tells nothing of the guard. "
            f"{control.reasons[0].text}",
        )
    if control is not None:
        return (
            f"Not red in {plural(control.tries, 'try', 'tries')}",
            "Guard off, same trial: it did not fail either. So a green would prove little here. "
            "Release more variants, or use a checkpoint that takes longer to load.",
        )
    if settings.guard != "on":
        return "Not needed", "The guard is not fully on in this run: it is a control itself."
    if settings.target != "local":
        return (
            "Not possible",
            "A container keeps its guard, so this trial cannot show that it could have failed. Test the same "
            "loader with the local target: that one can.",
        )
    if not settings.wants_control:
        return (
            "Left out",
            "Nothing shows that this trial could have failed. Launch with the control to be sure.",
        )
    if record.verdict is not None and record.verdict.verdict == "red":
        return "Not needed", "The trial itself went red, so it needs no proof that it can."
    if record.running:
        return "Still to come", "The same trial with the guard off, to show that it can fail."
    return "Not reached", "The run ended before the same trial had been made with the guard off."


def contention_words(counts: Counts) -> tuple[str, str]:
    """Return how many variants contended, as a short figure and what that proves; dashes where unknown."""
    if counts.contended is None or not counts.load_completed:
        return "–", "Nobody knows how many variants met during the load."
    short = f"{counts.contended:,} of {counts.variants or 0:,}"
    many = plural(counts.contended, "variant was", "variants were")
    if counts.contended < 2:
        return short, f"{many} in flight when the load completed: it takes at least 2 to try a guard."
    return short, f"{many} in flight when the load completed: enough to tell a guard from none."


def failures(record: RunRecord) -> Failures | None:
    """Return how often the run's own trials failed, with its bounds; None before the first was judged."""
    judged = _judged(record)
    return failures_of(judged) if judged else None


def memory_words(trial: TrialRecord | None) -> tuple[str, str]:
    """Return what a trial's settled memory shows, as a short figure and a sentence."""
    if trial is None or trial.memory is None:
        return "–", "Nobody measured the memory."
    steps = steps_of(trial.memory, trial.released_at)
    if steps.silent:
        return "–", steps.silent
    what = "PSS" if steps.place == "cpu" else "On the GPU"
    return (
        plural(steps.copies, "model"),
        f"{what}: {steps.before / 1e6:,.0f} MB before, {steps.after / 1e6:,.0f} MB settled; "
        f"a model takes {steps.size / 1e6:,.0f} MB.",
    )


def _is_green(record: RunRecord) -> bool:
    return record.verdict is not None and record.verdict.verdict == "green"


_UNCHECKED: Final = {
    "answers": "Whether every variant was answered: there are no answers here.",
    "contention": "Whether the variants met during the load: there are no variants here.",
    "identity": "Which model each variant was given: no answer says so.",
    "memory": "How many models lie in the worker's memory.",
    "control": "Whether this trial can go red at all: it was made without a control.",
}


def unchecked(verdict: Verdict) -> list[str]:
    """Return what the verdict could not look at, a sentence for each."""
    return [_UNCHECKED.get(clause, clause) for clause in verdict.not_checked]
