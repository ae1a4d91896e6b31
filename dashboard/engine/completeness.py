"""Whether what was read of a log is all of it.

An engine ends a log that it cannot read on as if it were whole: a line that was torn (a full disk, a killed
engine) stops its reader in silence, and so does a connection that ends between two lines. But the log's last
line is found from its end: if that one was not read, something is missing before it.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.records import FrameCutter, LineCutter, Record
from dashboard.evidence import Gap

__all__ = ["gaps_of", "may_have_lost", "newest_record", "remarks_on"]

_PATIENCE_S: Final = 20.0
_ESCAPES: Final = 6
"""Bytes that one byte of a line may take in the engine's file."""


def newest_record(engine: Engine, container: ContainerFacts) -> Record | None:
    """Return the last line that the engine has of a container, found from the log's end.

    Raises:
        ContainerGone, EngineError: as `Engine.read_log`.
    """
    found = list(_records(engine, container, tail=1))
    return found[-1] if found else None


def gaps_of(container: ContainerFacts) -> tuple[Gap, ...]:
    """Return why lines may be missing from any log of this container though none is seen missing."""
    if container.log_options.get("mode") != "non-blocking":
        return ()
    text = (
        f"{container.name} logs in the mode non-blocking, which drops lines when they come too fast. "
        "Run it with --log-opt mode=blocking."
    )
    return (Gap(container.name, text),)


def remarks_on(container: ContainerFacts) -> tuple[str, ...]:
    """Return why lines of this container may come late, as sentences that change no verdict."""
    python = Path(next(iter(container.command), "")).name.startswith("python")
    if not python and "PYTHON_VERSION" not in container.environment:  # which Python's own images set
        return ()
    options = itertools.takewhile(lambda word: word.startswith("-"), container.command[1:])
    unbuffered = any(re.fullmatch("-[A-Za-z]*u[A-Za-z]*", option) for option in options)
    if container.tty or unbuffered or container.environment.get("PYTHONUNBUFFERED"):
        return ()
    return (
        f"{container.name} runs Python without PYTHONUNBUFFERED=1: what it prints to stdout may come "
        "late, and is lost when it is killed. Set the variable in its environment.",
    )


def may_have_lost(
    engine: Engine, container: ContainerFacts, begin: float | None, size: int
) -> tuple[Gap, ...]:
    """Return whether the engine may have thrown away lines after `begin`, to make room for newer ones.

    Args:
        begin: Unix seconds, by the engine's clock.
        size: bytes of the lines that were read from there on.

    Raises:
        ContainerGone, EngineError: as `Engine.read_log`.
    """
    room, files = container.log_file_bytes, container.log_files
    if room is None:
        return ()
    oldest = next((one.nanos for one in _records(engine, container) if one.nanos is not None), None)
    if oldest is not None and begin is not None and oldest / 1e9 < begin:
        return ()  # what came before is still kept, so that what came after is, too
    # One file is emptied when it is full: how little there is of it tells nothing
    if files > 1 and size * _ESCAPES <= room * (files - 1):
        return ()
    text = (
        f"Older lines of {container.name} may be gone: the engine keeps {files} × {room:,} bytes of its log, "
        "and no line from before the beginning is left. Allow more (max-size, max-file), or restart it first."
    )
    return (Gap(container.name, text),)


def _records(engine: Engine, container: ContainerFacts, tail: int | None = None) -> list[Record]:
    reading = engine.read_log(container, tail=tail)
    reading.give_up_after(_PATIENCE_S)
    cutter = LineCutter() if container.tty else FrameCutter()
    try:
        for block in reading:
            found = list(cutter.feed(block))
            if found and tail is None:
                return found  # the first ones are enough
            if found:
                return [*found, *cutter.finish()]
        return list(cutter.finish())
    finally:
        reading.close()
