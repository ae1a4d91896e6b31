"""A probe in a container: a second process beside the service's own, by exec, with the container's Python."""

from __future__ import annotations

import json
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ALLOW_LABEL, ContainerFacts
from dashboard.engine.faults import EngineError, said_by_engine
from dashboard.probing.report import Asked, ProbeReport, Reading
from dashboard.probing.watch import Watch
from dashboard.target_settings import TargetSettings

__all__ = ["NoRoom", "NotAllowed", "check_allowed", "check_room", "probe_container"]

_PYTHON: Final = "python3"
_MIB: Final = 1024 * 1024
# What the group may still take (its file cache gives way), and what its largest process holds.
_MEASURE: Final = """
import glob, json
def read(*names):
    for name in names:
        try:
            return open(name).read()
        except OSError:
            pass
    return ""
def number(text):
    return int(text) if text.strip().isdigit() else None
def field(text, name):
    return sum(int(row.split()[1]) for row in text.splitlines() if row.split()[:1] == [name])
group = "/sys/fs/cgroup/"
limit = number(read(group + "memory.max", group + "memory/memory.limit_in_bytes"))
used = number(read(group + "memory.current", group + "memory/memory.usage_in_bytes"))
stat = read(group + "memory.stat", group + "memory/memory.stat")
free = field(read("/proc/meminfo"), "MemAvailable:") * 1024 or None
if limit is not None and used is not None:
    left = limit - used + field(stat, "inactive_file") + field(stat, "active_file")
    free = left if free is None else min(free, left)
held = [field(read(name), "Pss:") * 1024 for name in glob.glob("/proc/[0-9]*/smaps_rollup")]
print(json.dumps({"free": free, "held": max(held, default=0)}))
"""


class NotAllowed(Exception):
    """Nobody has said that this container may be acted on."""


class NoRoom(Exception):
    """The container's memory would not hold a second model beside the first."""


def check_allowed(container: ContainerFacts, settings: TargetSettings) -> None:
    """Make sure that the container runs, and that a probe may load a model in it.

    Raises:
        NotAllowed: it does not run, or it is on nobody's list.
    """
    if not settings.allows(container):
        raise NotAllowed(
            f"The container {container.name} may only be looked at: it is on nobody's list. Give it the "
            f"label {ALLOW_LABEL}=true, or name it under [containers] allow in targets.toml."
        )
    if container.state != "running":
        raise NotAllowed(f"{container.name} is {container.state}. Start it, and probe again.")


def check_room(engine: Engine, container: ContainerFacts) -> None:
    """Make sure that the free memory holds what the service's own process holds, once more.

    Raises:
        NoRoom: it does not.
        EngineError: the container cannot be asked.
    """
    told = engine.run_in(container, [_PYTHON, "-c", _MEASURE])
    try:
        memory = json.loads(told.strip().splitlines()[-1])
        free, held = memory["free"], memory["held"]
    except (ValueError, IndexError, KeyError, TypeError):
        raise EngineError(_no_python(container, told)) from None
    if free is not None and held > free:
        raise NoRoom(
            f"A probe loads the model a second time: {container.name} holds {held // _MIB:,} MB already and "
            f"has {max(0, free) // _MIB:,} MB left, so its service could be killed for want of memory. "
            "Give it more memory, or say --force."
        )


def probe_container(engine: Engine, container: ContainerFacts, asked: Asked) -> ProbeReport:
    """Probe in a running container and return what was told. Blocks until the probe's process has ended.

    Raises:
        EngineError: the engine or the container is out of reach, or has no Python.
    """
    reading = Reading(asked)

    def end() -> None:
        if reading.pid is not None:
            engine.run_in(container, [_PYTHON, "-c", f"import os; os.kill({reading.pid}, 9)"])

    watch = Watch(reading, asked.timeout_s)
    with said_by_engine(engine.host, f"The probe in {container.name} failed"):
        api = engine.api()
        begun = api.exec_create(container.id, asked.command(_PYTHON))["Id"]
        stream = api.exec_start(begun, stream=True)
        watch.start(end)
        try:
            for data in stream:
                reading.feed(data)
        except BaseException:
            end()  # the engine itself ends no command, not even when nobody listens any more
            raise
        finally:
            watch.stop()
            stream._response.close()  # type: ignore[attr-defined]  # not public; else it stays open
        status = api.exec_inspect(begun)["ExitCode"]
    report = reading.report(status)
    if not report.greeted:
        raise EngineError(_no_python(container, report.outside))
    return report


def _no_python(container: ContainerFacts, told: str) -> str:
    said = f" ({told.strip().splitlines()[-1][:200]})" if told.strip() else ""
    return (
        f"{_PYTHON} does not run in {container.name}{said}. A probe needs the service's own Python on the "
        "container's PATH."
    )
