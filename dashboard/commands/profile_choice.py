"""The profile that a command's `--profile` names: built in, or the user's own in `targets.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dashboard.commands import CommandError

if TYPE_CHECKING:
    from dashboard.profiles import Profile

__all__ = ["chosen_profile"]


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
