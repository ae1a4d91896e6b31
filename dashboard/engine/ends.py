"""How a container that does not run any more has ended."""

from __future__ import annotations

from dashboard.engine.facts import ContainerFacts
from dashboard.evidence import WorkerEnd

__all__ = ["ends_of"]

_ENDED_WELL = (0, -2, -15)


def ends_of(container: ContainerFacts) -> tuple[WorkerEnd, ...]:
    """Return how a container has died, as the end of its worker; nothing while it runs, or ended well."""
    code = container.exit_code
    if container.running or container.finished_at is None or code is None:
        return ()
    status = 128 - code if code > 128 else code
    if status in _ENDED_WELL and not container.oom_killed:
        return ()
    return (WorkerEnd(container.name, container.finished_at, status, container.oom_killed),)
