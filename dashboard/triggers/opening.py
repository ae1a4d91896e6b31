"""Opens the trigger that the settings of a target ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from dashboard.engine.addresses import NoAddress, reachable_address
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.evidence import Variant
from dashboard.target_settings import (
    CommandTrigger as CommandSettings,
)
from dashboard.target_settings import (
    HttpTrigger,
    PostgresTrigger,
    TriggerSettings,
    WorkerTrigger,
)
from dashboard.triggers.base import Trigger, TriggerUnreachable
from dashboard.triggers.command import CommandTrigger
from dashboard.triggers.naming import Secrets
from dashboard.triggers.service import ServiceTrigger
from dashboard.triggers.worker import WorkerTrigger as OurTrigger

__all__ = ["open_trigger"]


def open_trigger(
    settings: TriggerSettings,
    variants: tuple[Variant, ...],
    *,
    engine: Engine,
    container: ContainerFacts,
    timeout_s: float,
    on_change: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] = os.environ,
) -> Trigger:
    """Return the trigger of `container`, not yet armed; `close` it whatever happens.

    Args:
        timeout_s: seconds from the release until a variant counts as not answered.
        on_change: called on a thread of the trigger whenever a variant has changed.
        environment: where `${NAME}` is looked up.

    Raises:
        TriggerUnreachable: the port of the trigger cannot be reached from here.
        TriggerError: a secret is not set, or a limit of the system is met.
    """
    secrets = Secrets(environment)
    match settings:
        case WorkerTrigger():
            host, port = _address(container, settings.port, engine)
            return OurTrigger(variants, host=host, port=port, timeout_s=timeout_s, on_change=on_change)
        case HttpTrigger():
            host, port = _address(container, settings.port, engine)
            return ServiceTrigger(
                variants, settings, secrets, host=host, port=port, timeout_s=timeout_s, on_change=on_change
            )
        case CommandSettings():
            return CommandTrigger(
                variants,
                settings,
                secrets,
                engine=engine,
                container=container,
                timeout_s=timeout_s,
                on_change=on_change,
            )
        case PostgresTrigger():
            from dashboard.triggers.rows import RowTrigger  # late: only such targets need the driver

            return RowTrigger(variants, settings, secrets, timeout_s=timeout_s, on_change=on_change)


def _address(container: ContainerFacts, port: int, engine: Engine) -> tuple[str, int]:
    try:
        return reachable_address(engine, container, port)
    except NoAddress as error:
        raise TriggerUnreachable(str(error)) from error
