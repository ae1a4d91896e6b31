"""What went wrong with the run history, said in one sentence with the next step.

Drivers speak in their own codes; nobody who presses Launch should have to know them.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

__all__ = ["StoreError", "database_file", "database_name", "explain", "free_bytes", "shown_url"]

FULL_BELOW: Final = 1024 * 1024
"""With less than this many bytes left, a disk that refuses a write is called full."""
_SECRETS: Final = ("password", "sslpassword")
"""What a URL may say after its question mark, and nobody else."""
_ELSEWHERE: Final = "set LOADONCE_HOME to a folder that can be written"


class StoreError(Exception):
    """The run history cannot be read or written: one sentence that names it, and the next step."""


def database_file(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for any other."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database.removeprefix("file:"))


def database_name(url: URL) -> str:
    """Return what to call the database in a sentence: its file, or its URL without the password."""
    file = database_file(url)
    return str(file) if file is not None else shown_url(url)


def shown_url(url: URL) -> str:
    """Return the URL without a password, wherever it stands in it."""
    return url.difference_update_query(_SECRETS).render_as_string(hide_password=True)


def free_bytes(file: Path) -> int | None:
    """Return how many bytes the disk that holds `file` has left; None where that cannot be told."""
    for folder in (file.parent, *file.parent.parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


def explain(error: BaseException, url: URL) -> StoreError:
    """Return the error to raise instead of a driver's."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    file = database_file(url)
    if file is None:
        said = _first_line(cause)
        for secret in (url.password, *(url.query.get(name) for name in _SECRETS)):
            if isinstance(secret, str) and secret:
                said = said.replace(secret, "***")
        return StoreError(
            f"The run history at {shown_url(url)} does not answer as it should: {said}. "
            "Check that the server runs and that LOADONCE_DATABASE_URL is right."
        )
    return StoreError(_explain_file(cause, file))


def _explain_file(cause: BaseException, file: Path) -> str:
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the upper bits only refine it
    free = free_bytes(file)
    said = _first_line(cause)
    full = code == sqlite3.SQLITE_FULL or getattr(cause, "errno", None) == 28  # ENOSPC
    if full or (code in _WRITE_FAULTS and free is not None and free < FULL_BELOW):
        return (
            f"The disk that holds the run history {file} is full. "
            f"Free some space and try again, or {_ELSEWHERE}."
        )
    if file.is_dir():
        return f"The run history {file} should be a file and is a folder. Move it away, or {_ELSEWHERE}."
    if code == sqlite3.SQLITE_IOERR:
        return (
            f"The run history {file} could not be read or written ({said}). "
            f"Check the disk and its quota, or {_ELSEWHERE}."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return (
            f"The run history {file} is locked by another program. "
            "Close the program that holds it, such as a database browser, and try again."
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return (
            f"The run history {file} is damaged or no history ({said}). "
            "Move it away or put a copy of it back; a new one is made when there is none."
        )
    if isinstance(cause, OSError) or code in (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    ):
        return (
            f"The run history {file} cannot be opened for writing ({said}). "
            f"Check who may write to the file and its folder, or {_ELSEWHERE}."
        )
    return f"The run history {file} could not be used ({said}). Move it away, or {_ELSEWHERE}."


_WRITE_FAULTS: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


def _first_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error.args[0] if isinstance(error, SQLAlchemyError) and error.args else error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
