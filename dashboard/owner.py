"""Which process a running run belongs to, so that another one can tell whether it is still alive.

An owner is `host:pid:start`. A pid alone would not do: after a restart the same number is somebody else's,
and in a container it is always 1. `start` comes from the kernel where it can be had (Linux) and is empty
elsewhere.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

__all__ = ["is_gone", "is_here", "this_process"]


def this_process() -> str:
    """Return the owner string of the calling process."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_start(pid) or ''}"


def is_gone(owner: str) -> bool:
    """Whether the process is known to have ended. One on another host is never known to."""
    _, _, rest = owner.rpartition(":")[0].rpartition(":")
    start = owner.rpartition(":")[2]
    if not is_here(owner) or not rest.isdigit() or int(rest) == 0:
        return False
    pid = int(rest)
    try:
        os.kill(pid, 0)  # sends nothing; asks whether there is such a process
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass  # there is one, of another user
    now = _start(pid)
    return now is not None and start != "" and now != start


def is_here(owner: str) -> bool:
    """Whether the process is, or was, one of this host: only then can it be looked for."""
    return owner.rpartition(":")[0].rpartition(":")[0] == socket.gethostname()


def _start(pid: int) -> str | None:
    """Return when the process started, in the kernel's ticks; None where that cannot be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    # The name of the program, in brackets, may hold spaces and brackets itself: count from its end.
    fields = stat.rpartition(")")[2].split()
    if not fields or fields[0] in "ZX":
        return "ended"  # a zombie: its parent has not asked yet, but it runs nothing any more
    return fields[19] if len(fields) > 19 else None
