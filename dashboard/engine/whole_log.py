"""A container's log read once, from one moment to another, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.records import FrameCutter, LineCutter, Record
from dashboard.evidence import Gap, LogLine
from dashboard.logs import shown_lines

__all__ = ["gaps_of", "line_bytes", "read_lines"]

_ENVELOPE: Final = 90
"""Bytes that the engine's file adds to each line."""


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
    reading = engine.read_log(container, since=since, until=until, tail=tail)
    cutter = LineCutter() if container.tty else FrameCutter()
    number = 0

    def shown(record: Record) -> Iterator[LogLine]:
        nonlocal number
        time = 0.0 if record.nanos is None else record.nanos / 1e9 - engine.clock_ahead_s
        for text in shown_lines(record.text):
            yield LogLine(container.name, number, record.stream, time, text)
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
    # An engine that is killed ends a log as if it were whole: it must be there still
    engine.container(container.id)


def line_bytes(line: LogLine) -> int:
    """Return about how many bytes a line takes in the engine's file."""
    return len(line.text) + _ENVELOPE


def gaps_of(container: ContainerFacts, size: int = 0) -> tuple[Gap, ...]:
    """Return why lines may be missing from a container's log though none is seen missing.

    `size`: about how many bytes of the engine's files were read.
    """
    found: list[Gap] = []
    if container.log_options.get("mode") == "non-blocking":
        text = (
            f"{container.name} logs in the mode non-blocking, which drops lines when they come too fast. "
            "Run it with --log-opt mode=blocking."
        )
        found.append(Gap(container.name, text))
    room = container.log_file_bytes
    files = int(container.log_options.get("max-file") or 1)
    # A log that fills what is kept, but for the newest file, has probably lost what came before
    if room is not None and size > 0.9 * room * max(1, files - 1):
        text = (
            f"Older lines of {container.name} may be gone: its log fills what the engine keeps "
            f"({files} × {container.log_options['max-size']}). Allow more (max-size, max-file), or judge "
            "from a later moment on with --since."
        )
        found.append(Gap(container.name, text))
    return tuple(found)
