"""Reads what a process holds from the kernel: its PSS, and which process of this machine a container's is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["container_process", "pss_of", "pss_of_container"]

_PROC: Final = Path("/proc")
_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_INNER: Final = re.compile(r"^NSpid:(?:\s+\d+)*\s+(\d+)$", re.MULTILINE)


def pss_of(pid: int) -> int | None:
    """Return the proportional memory of a process in bytes; None where the kernel does not say.

    It does not for a process that has ended or is somebody else's, nor on another system than Linux.
    """
    text = _read(_PROC / str(pid) / "smaps_rollup")
    found = None if text is None else _PSS.search(text)
    return int(found[1]) * 1024 if found else None


def container_process(first: int | None, container_id: str, inner: int | None) -> int | None:
    """Return the pid on this machine of the process that has the pid `inner` in its container.

    Args:
        first: the engine's pid of the container's first process, None while it has none. The engine may be
            on another machine, where that number is another process's: only this container's own count.
    """
    for pid in _family(first):
        found = _INNER.search(_read(_PROC / str(pid) / "status") or "")
        if found and int(found[1]) == inner and _is_of(pid, container_id):
            return pid
    return None


def pss_of_container(first: int | None, container_id: str) -> int | None:
    """Return what all processes of a container hold together, in bytes; None where one cannot be read."""
    if first is None or not _is_of(first, container_id):
        return None
    held = [pss_of(pid) for pid in _family(first)]
    return sum(each for each in held if each is not None) if None not in held else None


def _is_of(pid: int, container_id: str) -> bool:
    return container_id in (_read(_PROC / str(pid) / "cgroup") or "")


def _family(first: int | None) -> Iterator[int]:
    """A process and all below it."""
    waiting = [] if first is None else [first]
    while waiting:
        pid = waiting.pop(0)
        yield pid
        try:
            tasks = list((_PROC / str(pid) / "task").iterdir())
        except OSError:
            continue
        for task in tasks:
            waiting += [int(child) for child in (_read(task / "children") or "").split()]


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None
