"""Where the user's data lives: checkpoints, run history, settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import platformdirs

__all__ = ["PROJECT_ROOT", "HomeError", "data_home"]

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent
"""Where `loader` and `dashboard` lie: the working folder of every process that the console starts."""


class HomeError(Exception):
    """The data folder cannot be used. The message names it and the next step."""


def data_home() -> Path:
    """Return the data folder, made if it was missing: `LOADONCE_HOME`, else the system's place for user data.

    Raises:
        HomeError: it cannot be made or is no folder.
    """
    named = os.environ.get("LOADONCE_HOME")
    try:
        home = Path(named).expanduser().absolute() if named else platformdirs.user_data_path("loadonce")
    except RuntimeError as error:  # ~somebody who is not there
        raise HomeError(
            f"The data folder {named!r} cannot be found ({error}). "
            "Set LOADONCE_HOME to a folder that you can write to."
        ) from error
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(
            f"The data folder {home} cannot be made ({error.strerror}). "
            "Set LOADONCE_HOME to a folder that you can write to."
        ) from error
    return home
