"""Load events of a probe: from what the service printed, and from its real calls of `from_pretrained`.

Printed lines alone may tell a start and never an end. The probe knows more: a call that raised an error
ended the load that was under way, and a call that gave a model did so too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from dashboard.evidence import Gap, LogEvent, LogLine
from dashboard.probing.report import Call, Load, ProbeReport
from dashboard.timeline import Timeline
from loader.events import EventKind

__all__ = ["CALLS", "OUTPUT", "RealLoad", "gave_up", "is_meta", "printed", "real_events", "real_loads"]

OUTPUT: Final = "the output"
CALLS: Final = "the calls of from_pretrained"
_META: Final = re.compile(r"meta ?tensor", re.IGNORECASE)
_LAST_MOMENT: Final = 0.1  # of the time that a call took
_GAVE_UP: Final = re.compile(r"^\w*(?:timeout|busy|cancelled)", re.IGNORECASE)


def is_meta(call: Call) -> bool:
    """Whether a call ended in a meta tensor error."""
    return _META.search(call.error or "") is not None


def gave_up(call: Call) -> bool:
    """Whether a call ended because it would wait no longer: that tells nothing of the load."""
    return _GAVE_UP.match(call.error or "") is not None


def printed(report: ProbeReport) -> tuple[tuple[tuple[int, LogEvent], ...], int, tuple[Gap, ...]]:
    """Return the events of the printed lines, each with the bytes printed by then; lines; what is missing.

    Times are those of the process's clock.
    """
    timeline, ends, size = Timeline(), list[int](), 0
    for number, line in enumerate(report.output.splitlines(keepends=True)):
        size += len(line)
        ends.append(size)
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        timeline.feed(LogLine(OUTPUT, number, "stdout", _time(report, size), text))
    found = [
        (ends[event.line], replace(event, time=_time(report, ends[event.line])))
        for event in timeline.events()
    ]
    gaps = timeline.gaps()
    if report.cut:
        gaps = (*gaps, Gap(OUTPUT, f"The service printed more than {size:,} bytes; the rest was not read."))
    if any(event.boot is None for _, event in found):
        found = list(_with_ends(found, report))
    return tuple(found), len(ends), gaps


def _time(report: ProbeReport, size: int) -> float:
    """Return when that many bytes had been printed."""
    at = bisect_left(report.stamps, size, key=lambda stamp: stamp[0])
    return report.stamps[min(at, len(report.stamps) - 1)][1]


def _handed_over(call: Call, start: LogEvent) -> bool:
    """Whether a load began in the last moment of a call: as it gave a lock away, on its way back."""
    return call.returned - start.time < _LAST_MOMENT * (call.returned - call.entered)


def _with_ends(found: list[tuple[int, LogEvent]], report: ProbeReport) -> Iterator[tuple[int, LogEvent]]:
    """Add the ends that no line told: where a call came back, or where the import was over."""
    released_at = report.released_at or 0
    tells_ends = any(event.kind == "completed" for _, event in found)
    waiting = sorted(report.calls, key=lambda call: (call.after, call.returned), reverse=True)
    running: list[tuple[int, LogEvent]] = []

    def ended(call: Call) -> Iterator[tuple[int, LogEvent]]:
        kind: EventKind | None = None
        if call.error is not None and not gave_up(call):
            kind = "failed"
        elif call.model is not None and not tells_ends:
            kind = "completed"
        if running and kind is not None:
            begin, begun = running.pop(0)
            imported = kind == "completed" and begin <= released_at
            size = released_at if imported else call.after
            fields = {} if call.error is None else {"error": call.error.partition(":")[0]}
            yield (
                size,
                LogEvent(
                    kind,
                    OUTPUT,
                    begun.line,
                    call.returned,
                    begun.profile,
                    "",
                    model=begun.model,
                    fields=fields,
                ),
            )

    for place, event in found:
        while waiting and (
            waiting[-1].after < place
            or (event.kind == "started" and running and _handed_over(waiting[-1], event))
        ):
            yield from ended(waiting.pop())
        if event.kind == "started":
            running.append((place, event))
        elif event.kind in ("completed", "failed") and running:
            running.pop(0)
        yield place, event
    while waiting:
        yield from ended(waiting.pop())


@dataclass(frozen=True, slots=True)
class RealLoad:
    """What one call of the callable loaded through transformers, its fallbacks and parts together."""

    models: tuple[str, ...]
    began: float
    ended: float | None
    error: str | None
    imported: bool


def real_loads(report: ProbeReport) -> tuple[RealLoad, ...]:
    """Return the loads through `from_pretrained`, in the order in which they began.

    Successive calls within one call of the callable are one load; on a thread of the service's own, only a
    call that failed and the one that follows it.
    """
    loads = sorted(report.loads, key=lambda load: str(load.caller))  # stable: each caller's stay in order
    found = [
        _one(part)
        for _, group in groupby(loads, key=lambda load: str(load.caller))
        for part in _parts(list(group))
    ]
    return tuple(sorted(found, key=lambda load: load.began))


def _parts(loads: list[Load]) -> Iterator[list[Load]]:
    if isinstance(loads[0].caller, int) or loads[0].caller == "import":
        yield loads
        return
    part: list[Load] = []
    for load in loads:
        part.append(load)
        if load.error is None:
            yield part
            part = []
    if part:
        yield part


def _one(loads: list[Load]) -> RealLoad:
    last = loads[-1]
    shown = [load for load in loads if load.error is None] or [last]
    return RealLoad(
        tuple(dict.fromkeys(load.model for load in shown)),
        loads[0].began,
        last.ended,
        last.error,
        last.caller == "import",
    )


def real_events(loads: tuple[RealLoad, ...]) -> tuple[LogEvent, ...]:
    """Return the real loads as load events, so that they are judged by the same rules as lines."""
    events: list[LogEvent] = []

    def add(kind: EventKind, number: int, load: RealLoad, time: float) -> None:
        fields = {} if load.error is None or kind == "started" else {"error": load.error.partition(":")[0]}
        events.extend(
            LogEvent(kind, CALLS, number, time, "probe", "", load=number, model=model, fields=fields)
            for model in load.models
        )

    for number, load in enumerate(loads, 1):
        add("started", number, load, load.began)
        if load.ended is not None:
            add("completed" if load.error is None else "failed", number, load, load.ended)
    return tuple(sorted(events, key=lambda event: event.time))
