"""How a command reads logs: by the profile that `--profile` names, for so many worker processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dashboard.commands import CommandError

if TYPE_CHECKING:
    from dashboard.profiles import Profile

__all__ = ["chosen_profile", "reading_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def reading_options(command: Command) -> Command:
    """Give a command that reads logs `--profile` and `--expected-workers`."""
    profile = click.option(
        "--profile", metavar="NAME", help="Whose lines to look for. Default: several are tried."
    )
    workers = click.option(
        "--expected-workers",
        type=click.IntRange(1, 1000),
        default=1,
        show_default=True,
        help="How many worker processes write into one log, where it does not tell them apart.",
    )
    return profile(workers(command))


def chosen_profile(name: str | None) -> Profile | str | None:
    """Return the profile of that name; None, which tries several, for none.

    Raises:
        CommandError: there is no such profile, or `targets.toml` cannot be read.
    """
    from dashboard.profiles import OURS, PROFILES
    from dashboard.timeline import UnknownProfile, named_profile

    own: Mapping[str, Profile] = {}
    if name is not None and name != OURS and name not in PROFILES:
        from dashboard.home import data_home
        from dashboard.target_settings import TargetSettingsError, target_settings

        try:
            own = target_settings(data_home()).own_profiles()
        except TargetSettingsError as error:
            raise CommandError(f"The profile {name!r} is looked for in vain: {error}") from error
    try:
        return named_profile(name, own)
    except UnknownProfile as error:
        raise CommandError(str(error)) from error
