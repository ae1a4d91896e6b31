"""Runs as they were recorded, in the few shapes that pages and charts must show."""

from __future__ import annotations

from dataclasses import replace

from dashboard.evidence import Control, Counts, LogEvent, Reason, Variant, Verdict, Witnesses, Worker
from dashboard.latency import latency_of
from dashboard.record import RunRecord, TrialRecord
from dashboard.settings import RunSettings

ZERO = 1_795_420_800.0
BOOT = "3f9c1a"


def event(kind, at, thread, load=None, seq=1, line=0, text=None):
    return LogEvent(
        kind=kind,
        source="trial-1",
        line=line,
        time=ZERO + at,
        profile="loadonce",
        text=text or f"{kind} by {thread}",
        boot=BOOT,
        seq=seq,
        load=load,
        model="demo",
        pid=7,
        thread=thread,
    )


def guarded_trial(count=5, *, until=None, load_s=0.4):
    """One load by the first variant; the others wait for it. `until` cuts what was seen so far."""
    ids = [f"job-1.variant-{number}" for number in range(1, count + 1)]
    events = [event("requested", 0.002 + 0.0001 * place, name) for place, name in enumerate(ids)]
    events += [event("started", 0.004, ids[0], load=1)]
    events += [event("waiting", 0.005 + 0.0001 * place, name) for place, name in enumerate(ids[1:])]
    events += [event("progress", 0.1 * load_s * step, ids[0], load=1) for step in range(1, 9)]
    events += [event("completed", load_s, ids[0], load=1, text="Model loaded successfully")]
    events = sorted(events, key=lambda found: found.time)
    events = [replace(found, seq=place + 1, line=place + 12) for place, found in enumerate(events)]
    variants = []
    for place, name in enumerate(ids):
        sent, answered = 0.0001 * place, load_s + 0.08 + 0.02 * place
        variant = Variant("job-1", name, "sent", sent=ZERO + sent)
        if until is None or answered <= until:
            variant = replace(
                variant,
                state="answered",
                answered=ZERO + answered,
                status=200,
                boot=BOOT,
                pid=7,
                load_id=1,
                model_id="demo",
                waited_ms=load_s * 1000,
                load_ms=load_s * 1000,
                infer_ms=80.0,
                answer="a square",
            )
        variants.append(variant)
    if until is not None:
        events = [found for found in events if found.time - ZERO <= until]
    worker = (Worker(BOOT, 7, "trial-1", "healthz"),)
    trial = TrialRecord(
        1,
        "trial",
        "on",
        "trial-1",
        started_at=ZERO - 0.3,
        released_at=ZERO,
        skew_ms=0.4,
        alive_s=0.21,
        variants=tuple(variants),
        events=tuple(events),
        workers=worker,
    )
    if until is not None:
        return trial
    counts = Counts(1, 1, 0, 8, 0, 1, 1, count, count, count)
    reasons = (
        Reason("loaded_once", f"One start, one completion, and {count} of {count} variants answered."),
    )
    verdict = Verdict("green", reasons, counts, latency_of(variants), Witnesses("agrees", "agrees", "silent"))
    return replace(trial, ended_at=ZERO + load_s + 0.1 + 0.02 * count, verdict=verdict)


def broken_trial(count=5, *, role="trial", number=1):
    """The guard off: everybody loads, all but the last break on tensors without data."""
    ids = [f"job-1.variant-{place}" for place in range(1, count + 1)]
    events, variants = [], []
    for place, name in enumerate(ids):
        load = place + 1
        events += [
            event("requested", 0.002 + 0.001 * place, name),
            event("started", 0.004 + 0.001 * place, name, load),
        ]
        good = place == count - 1
        if good:
            events += [event("completed", 0.5, name, load, text="Model loaded successfully")]
        else:
            events += [
                event(
                    "meta_tensor_error",
                    0.2 + 0.03 * place,
                    name,
                    load,
                    text="Cannot copy out of meta tensor; no data!",
                ),
                event("failed", 0.201 + 0.03 * place, name, load, text="Model load failed"),
            ]
        variants.append(
            Variant(
                "job-1",
                name,
                "answered" if good else "failed",
                sent=ZERO + 0.0001 * place,
                answered=ZERO + (0.6 if good else 0.21 + 0.03 * place),
                status=200 if good else 503,
                error=None if good else "HTTP 503: MetaTensorError: the model has tensors without data",
                boot=BOOT if good else None,
                load_id=load if good else None,
                pid=7 if good else None,
            )
        )
    events = [
        replace(found, seq=place + 1, line=place + 12)
        for place, found in enumerate(sorted(events, key=lambda e: e.time))
    ]
    counts = Counts(count, 1, count - 1, 0, count - 1, 1, 1, count, 1, count)
    reasons = (
        Reason("loaded_twice", f"{count} loads of one model were started in worker {BOOT}; 1 is right."),
        Reason("meta_tensor_error", f"{count - 1} loads ended in a meta tensor error."),
    )
    verdict = Verdict(
        "red", reasons, counts, latency_of(variants), Witnesses("disagrees", "agrees", "silent")
    )
    return TrialRecord(
        number,
        role,
        "off",
        f"{role}-{number}",
        started_at=ZERO - 0.3,
        released_at=ZERO,
        ended_at=ZERO + 0.7,
        skew_ms=0.5,
        alive_s=0.2,
        variants=tuple(variants),
        events=tuple(events),
        workers=(Worker(BOOT, 7, "trial-1", "healthz"),),
        verdict=verdict,
    )


def green_run(count=5, run_id="20261123-084512-3f9c1a"):
    trial, control = guarded_trial(count), broken_trial(count, role="control")
    told = Control("red", "off", 1, 1, control.verdict.counts, control.verdict.reasons)
    return RunRecord(
        run_id,
        RunSettings(variants_per_job=count),
        "local",
        created_at=ZERO - 1,
        status="finished",
        step="done",
        finished_at=ZERO + 2.1,
        verdict=trial.verdict,
        control=told,
        trials=(trial, control),
        versions={"transformers": "5.23.0"},
    )


def red_run(count=5, run_id="20261123-084600-77aa01"):
    trial = broken_trial(count)
    return RunRecord(
        run_id,
        RunSettings(variants_per_job=count, guard="off"),
        "local",
        created_at=ZERO + 48,
        status="finished",
        step="done",
        finished_at=ZERO + 50,
        verdict=trial.verdict,
        trials=(trial,),
    )


def running_run(count=5, *, until=0.2, run_id="20261123-084700-99bb02"):
    return RunRecord(
        run_id,
        RunSettings(variants_per_job=count),
        "local",
        created_at=ZERO - 1,
        step="settle",
        message="Waiting until every variant has ended and the log is complete. (trial 1)",
        trials=(guarded_trial(count, until=until),),
    )


def unproven_run(run_id="20261123-084800-55cc03"):
    trial = guarded_trial(2)
    verdict = replace(
        trial.verdict,
        verdict="inconclusive",
        not_checked=("Memory: the model is under 200 MB.",),
        reasons=(Reason("control_not_red", "With the guard off the same trial stayed green in 3 tries."),),
    )
    control = Control("green", "off", 3, 0, Counts(1, 1))
    return replace(green_run(2, run_id), verdict=verdict, control=control, trials=(trial,))
