"""A probe in a container: a second process beside the service's own, by exec, with the container's Python."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ALLOW_LABEL, ContainerFacts
from dashboard.engine.faults import EngineError, said_by_engine
from dashboard.probing.inside import END, MEASURE
from dashboard.probing.report import Asked, ProbeReport, Reading
from dashboard.probing.watch import Stop, Watch
from dashboard.target_settings import TargetSettings

__all__ = ["NoRoom", "NotAllowed", "check_allowed", "check_room", "probe_container"]

_PYTHON: Final = "python3"
_MIB: Final = 1024 * 1024
_END_S: Final = 10.0
_ASK_S: Final = 0.1


class NotAllowed(Exception):
    """Nobody has said that this container may be acted on."""


class NoRoom(Exception):
    """The container's memory, or its GPU's, would not hold a second model beside the first."""


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
    """Make sure that the free memory holds what the service's own process holds, once more; GPUs likewise.

    A GPU that nobody can ask about (no `nvidia-smi` in the container) is not looked at.

    Raises:
        NoRoom: it does not.
        EngineError: the container cannot be asked.
    """
    told = engine.run_in(container, [_PYTHON, "-c", MEASURE])
    try:
        memory = json.loads(told.strip().splitlines()[-1])
        free, held, gpus = memory["free"], memory["held"], memory["gpus"]
    except (ValueError, IndexError, KeyError, TypeError):
        raise EngineError(_no_python(container, told)) from None
    if free is not None and held > free:
        raise NoRoom(
            f"A probe loads the model a second time: {container.name} holds {held // _MIB:,} MB already and "
            f"has {max(0, free) // _MIB:,} MB left, so its service could be killed for want of memory. "
            "Give it more memory, or say --force."
        )
    for number, (free, used) in enumerate(gpus):
        if used > free:
            raise NoRoom(
                f"A probe loads the model a second time: GPU {number} of {container.name} has "
                f"{used // _MIB:,} MB in use already and {free // _MIB:,} MB left, so its service could run "
                "out of GPU memory. Free some of it, or say --force."
            )


def probe_container(
    engine: Engine, container: ContainerFacts, asked: Asked, stop: Stop | None = None
) -> ProbeReport:
    """Probe in a running container and return what was told. Blocks until the probe's process has ended.

    Whatever ends it early, Ctrl-C too, ends that process and all that it has started first.

    Raises:
        EngineError: the engine or the container is out of reach, or has no Python.
    """
    reading = Reading(asked)
    watch = Watch(reading, asked.timeout_s)
    with said_by_engine(engine.host, f"The probe in {container.name} failed"):
        api = engine.api()
        begun = api.exec_create(container.id, asked.command(_PYTHON))["Id"]

        def end() -> None:
            # The engine itself ends no command, not even when nobody listens any more
            with suppress(
                EngineError
            ):  # gone with its container, or out of reach: the limit of its own ends it
                _end(engine, container, begun, reading)

        try:
            stream = api.exec_start(begun, stream=True)
            try:
                watch.start(end)
                if stop is not None:
                    stop.hand_over(end)
                for data in stream:
                    reading.feed(data)
                    if reading.ended:
                        break  # a child of the service may hold the stream open for ever
            finally:
                watch.stop()
                stream._response.close()  # type: ignore[attr-defined]  # not public; else it stays open
        except BaseException:
            end()
            raise
        status = api.exec_inspect(begun)["ExitCode"]
        end()  # what the service has started, and left behind
    report = reading.report(status)
    if not report.greeted and not (stop is not None and stop.said):
        raise EngineError(_no_python(container, report.outside))
    return report


def _end(engine: Engine, container: ContainerFacts, begun: str, reading: Reading) -> None:
    """End the process of a probe and all that it has started, and see that it is gone."""
    deadline = time.monotonic() + _END_S
    with said_by_engine(engine.host, f"The probe in {container.name} was ended"):
        while True:
            running = engine.api().exec_inspect(begun)["Running"]
            engine.run_in(
                container, [_PYTHON, "-c", END, reading.token, str(reading.pid or 0), str(int(running))]
            )
            if not running or time.monotonic() > deadline:
                return
            time.sleep(_ASK_S)  # it may be about to start, and have no name yet


def _no_python(container: ContainerFacts, told: str) -> str:
    said = f" ({told.strip().splitlines()[-1][:200]})" if told.strip() else ""
    return (
        f"{_PYTHON} does not run in {container.name}{said}. A probe needs the service's own Python on the "
        "container's PATH."
    )
