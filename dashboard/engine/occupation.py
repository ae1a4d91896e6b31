"""What would be disturbed: how long a container has run, and who is connected to it."""

from __future__ import annotations

import time
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError

__all__ = ["connections_in", "occupation", "open_connections"]

_ESTABLISHED: Final = "01"
_LOOPBACK: Final = ("0100007F:", "00000000000000000000000001000000:")


def occupation(engine: Engine, container: ContainerFacts) -> str:
    """Return a sentence on what a restart, or a probe, of a container would disturb."""
    if not container.running:
        return f"{container.name} ({container.image}) is {container.state}."
    up = time.time() + engine.clock_ahead_s - (container.started_at or time.time())
    count = open_connections(engine, container)
    connected = "an unknown number of" if count is None else f"{count:,}"
    return (
        f"{container.name} ({container.image}) has been up for {_span(up)} and has {connected} open "
        f"{'connection' if count == 1 else 'connections'}."
    )


def open_connections(engine: Engine, container: ContainerFacts) -> int | None:
    """Count the TCP connections of a running container; None where nothing may be run in it."""
    try:
        told = engine.run_in(container, ["cat", "/proc/net/tcp", "/proc/net/tcp6"])
    except EngineError:
        return None
    return connections_in(told) if "local_address" in told else None


def connections_in(table: str) -> int:
    """Count what is connected to the outside in the kernel's table of sockets."""
    rows = (line.split() for line in table.splitlines())
    return sum(len(row) > 3 and row[3] == _ESTABLISHED and not row[2].startswith(_LOOPBACK) for row in rows)


def _span(seconds: float) -> str:
    days, hours, minutes = (int(seconds // size) for size in (86_400, 3600, 60))
    if days:
        return f"{days} {'day' if days == 1 else 'days'}"
    if hours:
        return f"{hours} {'hour' if hours == 1 else 'hours'}"
    if minutes:
        return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"
    return "less than a minute"
