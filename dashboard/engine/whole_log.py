"""A container's log read once, from one moment to another, line by line."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Final

from dashboard.engine.completeness import newest_record
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.records import FrameCutter, LineCutter, Record
from dashboard.evidence import LogLine
from dashboard.logs import shown_lines

__all__ = ["read_lines"]

_STALL_S: Final = 20.0
"""How long an engine may say nothing in the middle of a log."""
_NEWEST: Final = 1000
"""The last line of a log is among so many of the newest: two streams change places by milliseconds."""


def read_lines(
    engine: Engine,
    container: ContainerFacts,
    *,
    since: float | None = None,
    until: float | None = None,
    tail: int | None = None,
) -> Iterator[LogLine]:
    """Yield the lines of a log as it stands now, with the engine's stamps in the console's clock.

    Memory stays bounded, however long the log is. `since` and `until` are Unix seconds.

    Raises:
        ContainerGone, EngineError: as `Engine.read_log`; also after the last line, if it was not the log's.
    """
    asked = int((time.time() + engine.clock_ahead_s) * 1e9)
    reading = engine.read_log(container, since=since, until=until, tail=tail)
    reading.give_up_after(_STALL_S)
    cutter = LineCutter() if container.tty else FrameCutter()
    newest: deque[int | None] = deque(maxlen=_NEWEST)
    number = 0

    def shown(record: Record) -> Iterator[LogLine]:
        nonlocal number
        newest.append(record.nanos)
        moment = 0.0 if record.nanos is None else record.nanos / 1e9 - engine.clock_ahead_s
        for text in shown_lines(record.text):
            yield LogLine(container.name, number, record.stream, moment, text)
            number += 1

    try:
        for block in reading:
            for record in cutter.feed(block):
                yield from shown(record)
        torn = reading.broke_off or cutter.torn
        for record in cutter.finish():
            yield from shown(record)
    finally:
        reading.close()
    if cutter.complaint is not None:
        raise EngineError(
            f"The engine cannot read the log of {container.name} to its end: {cutter.complaint}. "
            "What comes after that place is lost; restart the container to begin a sound log."
        )
    if torn:
        raise EngineError(f"The log of {container.name} broke off in the middle. Ask for it again.")
    last = None if until is not None else newest_record(engine, container)
    if last is not None and (since or 0) * 1e9 <= (last.nanos or 0) <= asked and last.nanos not in newest:
        raise EngineError(
            f"The engine stopped in the middle of the log of {container.name}, before its newest line: "
            "a line of it is damaged. Restart the container to begin a sound log."
        )
    if engine.container(container.id).started_at != container.started_at:
        raise EngineError(f"{container.name} was started again while its log was read. Ask for it again.")
