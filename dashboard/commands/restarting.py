"""The question before a container is restarted, with what that would disturb."""

from __future__ import annotations

from contextlib import closing

import click

from dashboard.commands import CommandError, OutOfReach
from dashboard.settings import RunSettings

__all__ = ["ask_first"]


def ask_first(settings: RunSettings) -> None:
    """Name what a restart would disturb, and ask whether to go on; only where a run could be made at all."""
    from dashboard.home import HomeError, data_home
    from dashboard.runs import PreflightError, container_target
    from dashboard.targets.base import TargetError

    try:
        with closing(container_target(settings.target, data_home())) as container:
            container.preflight(settings)
            disturbed = container.disturbs()
    except (HomeError, PreflightError) as error:
        raise CommandError(str(error)) from error
    except TargetError as error:
        raise OutOfReach(str(error)) from error
    click.echo(disturbed, err=True)
    if not click.confirm("Restart it?", err=True):
        raise CommandError("Nothing was restarted. Launch with --no-restart to test it as it is.")
