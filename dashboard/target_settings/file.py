"""`targets.toml` on disk: read as it is, saved whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from dashboard.target_settings.checking import Checked, check_text
from dashboard.target_settings.shape import TargetSettings

__all__ = ["FILE_NAME", "SettingsText", "TargetSettingsError", "read_text", "save_text", "target_settings"]

FILE_NAME: Final = "targets.toml"
_LOCK_S: Final = 10.0


class TargetSettingsError(Exception):
    """The settings cannot be read or saved. The message names the file, each fault, and what is right."""


@dataclass(frozen=True, slots=True)
class SettingsText:
    """The text of a file as it was read; `stamp` tells whether the file has changed since."""

    path: Path
    text: str
    stamp: str


def target_settings(home: Path) -> TargetSettings:
    """Return what the file in `home` says; the defaults when there is none.

    Raises:
        TargetSettingsError: it cannot be read, or something in it is wrong.
    """
    found = read_text(home)
    return _settings(found.path, check_text(found.text))


def read_text(home: Path) -> SettingsText:
    """Return the file's text, to be edited; an empty one when there is no file.

    Raises:
        TargetSettingsError: it cannot be read, or is no UTF-8.
    """
    path = home / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise TargetSettingsError(
            f"{path} cannot be read ({error.strerror}). Let this user read it, or move it away."
        ) from error
    try:
        return SettingsText(path, data.decode("utf-8"), _stamp(data))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TargetSettingsError(
            f"{path}, line {line}: this is no UTF-8. Save the file as UTF-8."
        ) from error


def save_text(before: SettingsText, text: str) -> SettingsText:
    """Put `text` in place of what was read, as it is; readers see the old file or the new one.

    Threading: any thread, any process; of two that began from the same text one is refused.

    Raises:
        TargetSettingsError: something in `text` is wrong, the file has changed since it was read, or it
            cannot be written. The file is as it was.
    """
    path = before.path
    _settings(path, check_text(text))
    data = text.encode("utf-8")
    try:
        # Between the look and the rename no other console may save
        with FileLock(path.with_suffix(".lock"), timeout=_LOCK_S):
            if read_text(path.parent).stamp != before.stamp:
                raise TargetSettingsError(
                    f"{path} has changed since it was read here. Load it again, and make your change anew."
                )
            _replace(path.resolve(), data)
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or error
        raise TargetSettingsError(
            f"{path} cannot be written ({why}). Look at the folder's permissions and the disk's free space."
        ) from error
    return SettingsText(path, text, _stamp(data))


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _stamp(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _settings(path: Path, checked: Checked) -> TargetSettings:
    if checked.settings is None:
        raise TargetSettingsError("\n".join(f"{path}, {fault}" for fault in checked.faults))
    return checked.settings
