"""What is kept of the watches of a console, so that they go on after its restart: `watches.json`.

Watches are of this machine's engine, and so they lie in the data folder, not in the history, which consoles
of other machines may share. One console at a time keeps them: whoever holds the lock beside the file.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["MOST_ALARMS", "Kept", "KeptAlarm", "WatchFile", "WatchFileError", "Watched"]

MOST_ALARMS: Final = 500
"""The newest alarms, of all containers; older ones are forgotten."""
_NAME: Final = "watches.json"


@dataclass(frozen=True, slots=True)
class Watched:
    """A container that somebody wants to have watched.

    Attributes:
        container: its name, or that of its compose service.
        profile: whose lines to look for; None tries several.
        actor, since: who began it, and when (Unix seconds).
    """

    container: str
    profile: str | None
    expected_workers: int
    actor: str
    since: float


@dataclass(frozen=True, slots=True)
class KeptAlarm:
    """An alarm as it is remembered.

    Attributes:
        time: Unix seconds, of the line that showed it. life: when the life of the container began.
        sure: whether it is red; else lines are missing, and one may have been missed.
    """

    time: float
    container: str
    code: str
    text: str
    sure: bool
    life: float


@dataclass(frozen=True, slots=True)
class Kept:
    """All that the file holds. Alarms come in the order in which they were raised."""

    watches: tuple[Watched, ...] = ()
    alarms: tuple[KeptAlarm, ...] = ()


class WatchFileError(Exception):
    """The watches cannot be kept: one sentence that names the file, and the next step."""


class WatchFile:
    """The file in `folder`. For one thread."""

    def __init__(self, folder: Path) -> None:
        self.path: Final = folder / _NAME
        # Given back on whichever thread ends the console; by the system if the console is killed
        self._lock = FileLock(folder / "watches.lock", timeout=0, thread_local=False)

    def take(self) -> None:
        """Make the watches this process's own. Idempotent.

        Raises:
            WatchFileError: another process keeps them, or the folder takes no file.
        """
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire()
        except Timeout as error:
            raise WatchFileError(
                f"Another console with the data folder {self.path.parent} keeps the watches. Use that one, "
                "or end it."
            ) from error
        except OSError as error:
            raise WatchFileError(
                f"The watches cannot be kept in {self.path.parent} ({error.strerror}). Let this user write "
                "there."
            ) from error

    def read(self) -> Kept:
        """Return what was kept; nothing where there is no file yet.

        Raises:
            WatchFileError: it cannot be read, or is none of ours.
        """
        try:
            return _adapter().validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Kept()
        except OSError as error:
            raise WatchFileError(
                f"{self.path} cannot be read ({error.strerror}). Let this user read it, or move it away."
            ) from error
        except ValueError as error:
            raise WatchFileError(
                f"{self.path} holds no watches that this version knows. Move it away; what it watched must "
                "be begun again."
            ) from error

    def write(self, kept: Kept) -> None:
        """Put `kept` in the place of what was there: the old file or the new one, whole.

        Raises:
            WatchFileError: it cannot be written; the file is as it was.
        """
        try:
            handle, name = tempfile.mkstemp(prefix=f".{_NAME}.", dir=self.path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_adapter().dump_json(kept, indent=1))
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise WatchFileError(
                f"{self.path} cannot be written ({error.strerror}): what is watched now is forgotten at the "
                "console's end. Look at the folder's permissions and the disk's free space."
            ) from error

    def release(self) -> None:
        """Let another process keep the watches. Idempotent."""
        self._lock.release()


@cache
def _adapter() -> TypeAdapter[Kept]:
    from pydantic import TypeAdapter  # late: its import costs more than most processes need to spend

    return TypeAdapter(Kept)
