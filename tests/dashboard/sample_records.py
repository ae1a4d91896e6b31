"""Records made by hand, for tests of what is done with records: stored, reported, shown."""

from __future__ import annotations

from dataclasses import replace

from dashboard.evidence import (
    Colour,
    Control,
    Counts,
    Latency,
    LogEvent,
    Reason,
    Variant,
    Verdict,
    Witnesses,
    Worker,
)
from dashboard.record import RunRecord, TrialRecord
from dashboard.settings import RunSettings

START = 1_795_424_400.25
GREEN = Verdict(
    "green",
    (Reason("one_load", "One start, one completion and no error."),),
    Counts(
        load_started=1,
        load_completed=1,
        progress_messages=8,
        unique_models=1,
        workers=1,
        variants=3,
        variants_ok=3,
        contended=3,
    ),
    Latency(0.5, 0.9, 0.95, 1.0),
    Witnesses(log="agrees", identity="agrees"),
    not_checked=("Memory: the model is under 200 MB.",),
)
RED = replace(
    GREEN,
    verdict="red",
    reasons=(Reason("meta_tensor_error", "Two loads <overlapped> & failed."),),
    counts=replace(GREEN.counts, load_started=3, load_completed=0, load_failed=3, meta_tensor_errors=2),
    witnesses=Witnesses(log="disagrees"),
)
UNSURE = replace(
    GREEN,
    verdict="inconclusive",
    reasons=(Reason("no_contention", "No two variants were in flight."),),
    counts=replace(GREEN.counts, contended=1),
)
CONTROL = Control("red", "off", 1, 1, RED.counts, RED.reasons)
BY_COLOUR: dict[Colour, Verdict] = {"green": GREEN, "red": RED, "inconclusive": UNSURE}


def variant(number: int, *, state: str = "answered") -> Variant:
    """A variant that was answered, or was not."""
    return Variant(
        "job-1",
        f"variant-{number}",
        state=state,  # type: ignore[arg-type]  # one of the literal's values
        sent=START + 1,
        answered=START + 1.5 if state == "answered" else None,
        status=200 if state == "answered" else None,
        error=None if state == "answered" else "The worker closed the connection <early>.",
        boot="3f9c1a",
        pid=7,
        load_id=1,
        answer="a cat" if state == "answered" else None,
    )


def event(kind: str, line: int) -> LogEvent:
    """A load event of our own worker."""
    return LogEvent(
        kind,  # type: ignore[arg-type]  # one of the literal's values
        "trial-1",
        line,
        START + 1 + line / 10,
        "loadonce",
        f"Loading LLaVa model \x1b[31m<b>{kind}</b>",
        boot="3f9c1a",
        seq=line + 1,
        load=1,
        model="demo",
        pid=7,
        thread="variant-1",
        fields={"seconds": "1.25"},
    )


def trial(number: int, colour: Colour = "green", *, role: str = "trial", variants: int = 3) -> TrialRecord:
    """A trial that has been judged."""
    return TrialRecord(
        number,
        role,  # type: ignore[arg-type]  # one of the literal's values
        "on" if role == "trial" else "off",
        f"{role}-{number}",
        started_at=START,
        released_at=START + 1,
        ended_at=START + 2.5,
        skew_ms=0.25,
        alive_s=0.3,
        variants=tuple(variant(index) for index in range(1, variants + 1)),
        events=(event("requested", 0), event("started", 1), event("completed", 2)),
        workers=(Worker("3f9c1a", 7, f"{role}-{number}", "healthz"),),
        verdict=BY_COLOUR[colour],
    )


def run(*colours: Colour, run_id: str = "20261123-084512-3f9c1a", created_at: float = START) -> RunRecord:
    """A run that has ended, with one trial of each colour; its verdict is the worst of them."""
    worst = next(colour for colour in ("red", "inconclusive", "green") if colour in colours)
    control = CONTROL if worst == "green" else None
    trials = tuple(trial(number, colour) for number, colour in enumerate(colours, 1))
    if control is not None:
        trials += (trial(1, "red", role="control"),)
    return RunRecord(
        run_id,
        RunSettings(repeat=len(colours)),
        "local",
        created_at,
        status="finished",
        step="done",
        finished_at=created_at + 3,
        verdict=BY_COLOUR[worst],
        control=control,
        trials=trials,
        versions={"python": "3.11", "transformers": "5.23.0"},
    )
