"""Writes logs as our worker does, through the loader's own `format_line`, and makes trials of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.evidence import Evidence, LogLine, Variant, Worker
from dashboard.timeline import Timeline
from loader.events import EventKind, LoadEvent, format_line

BEGAN = datetime(2026, 11, 23, 7, 10, 47, tzinfo=UTC)
MODEL = "demo/llava-tiny"
PHRASES: dict[str, str] = {
    "started": "Loading LLaVa model",
    "progress": "Loading weights",
    "completed": "Model loaded successfully",
    "failed": "Model load failed",
    "meta_tensor_error": "Model load failed",
    "requested": "Model requested",
    "waiting": "Waiting for the load under way",
    "released": "Model released",
}


class WorkerLog:
    """The log of one worker process: each call adds one event, a tenth of a second after the one before."""

    def __init__(self, boot: str = "3f9c1a", pid: int = 7, model: str = MODEL) -> None:
        self.boot, self.pid, self.model = boot, pid, model
        self.told: list[LoadEvent] = []

    def tell(
        self,
        kind: EventKind,
        load: int | None = None,
        thread: str = "load-1",
        model: str | None = None,
        **fields: str,
    ) -> WorkerLog:
        seq = len(self.told) + 1
        event = LoadEvent(
            kind=kind,
            time=BEGAN + timedelta(seconds=seq / 10),
            boot=self.boot,
            seq=seq,
            model=model or self.model,
            pid=self.pid,
            thread=thread,
            load=load,
            phrase=PHRASES[kind],
            fields=fields,
        )
        self.told.append(event)
        return self

    def ask(self, *variants: str) -> WorkerLog:
        for variant in variants:
            self.tell("requested", thread=variant)
        return self

    def load(self, number: int = 1, **fields: str) -> WorkerLog:
        """One whole load that nothing disturbs."""
        return self.tell("started", number).tell("progress", number).tell("completed", number, **fields)

    @property
    def lines(self) -> list[str]:
        return [format_line(event) for event in self.told]


def names(count: int) -> list[str]:
    return [f"job-1.variant-{number}" for number in range(1, count + 1)]


def read(texts: Iterable[str], *, profile: str | None = None, source: str = "worker") -> Timeline:
    """Feed a timeline with one source's lines, one a second."""
    timeline = Timeline(profile)
    for number, text in enumerate(texts):
        timeline.feed(LogLine(source, number, "stdout", float(number), text))
    return timeline


def answered(
    names: Sequence[str], boot: str | None = "3f9c1a", load: int | None = 1, model: str | None = MODEL
) -> tuple[Variant, ...]:
    """Variants that were all answered with one load's model, a tenth of a second apart."""
    return tuple(
        Variant(
            job_id="job-1",
            variant_id=name,
            state="answered",
            sent=BEGAN.timestamp(),
            answered=BEGAN.timestamp() + number / 10,
            status=200,
            boot=boot,
            load_id=load,
            model_id=model,
        )
        for number, name in enumerate(names, 1)
    )


def trial(log: WorkerLog, variants: tuple[Variant, ...], **more: Any) -> Evidence:
    """A trial of ours: the worker is known from `/healthz`, the variants were released as the log begins."""
    timeline = read(log.lines)
    return Evidence(
        **{
            "events": timeline.events(),
            "gaps": timeline.gaps(),
            "variants": variants,
            "workers": (Worker(log.boot, log.pid, "worker", "healthz"),),
            "released_at": BEGAN.timestamp(),
            **more,
        }
    )


def good_trial(count: int = 3, **more: Any) -> Evidence:
    """`count` variants meet one load and are answered with its model."""
    who = names(count)
    return trial(WorkerLog().ask(*who).load(seconds="0.2"), answered(who), **more)


def unguarded_trial(count: int = 3, **more: Any) -> Evidence:
    """Each variant loads a model of its own, all at once, and is answered with it."""
    who = names(count)
    log = WorkerLog().ask(*who)
    for number, name in enumerate(who, 1):
        log.tell("started", number, name)
    for number, name in enumerate(who, 1):
        log.tell("completed", number, name)
    variants = tuple(answered([name], load=number)[0] for number, name in enumerate(who, 1))
    return trial(log, variants, **more)
