"""The containers that a command names, as far as `targets.toml` lets them be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.commands import CommandError

if TYPE_CHECKING:
    from dashboard.engine.connection import Engine
    from dashboard.engine.facts import ContainerFacts

__all__ = ["container_to_see"]


def container_to_see(engine: Engine, name: str) -> ContainerFacts:
    """Return the container of that name, as it is now.

    Raises:
        EngineError: there is none, the settings hide it, or the engine does not answer.
        CommandError: the settings cannot be read: what they would hide is not known.
    """
    from dashboard.auditing.in_container import seen
    from dashboard.home import HomeError, data_home
    from dashboard.target_settings import TargetSettings, TargetSettingsError, target_settings

    found = engine.container(name)
    try:
        settings = target_settings(data_home())
    except (HomeError, TargetSettingsError) as error:
        if not found.labelled:
            raise CommandError(str(error)) from error
        settings = TargetSettings()  # a label shows it, whatever the file says
    return seen(found, settings)
