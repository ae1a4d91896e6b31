"""How much memory this process has, read beside the end of a load so that nobody waits for it.

    last weight set ──> MemoryReading begins ──(a thread, in the kernel)──┐
    rest of the load, verification, publication ──────────────────────────┴──> fields(): that, or read anew

The kernel counts every resident page, some 20 ms for a gigabyte: 3 % of the load of a mapped checkpoint.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Final

__all__ = ["MemoryReading", "pss_mb"]

_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_MOVED: Final = 0.02  # of resident memory; one that moved more since makes a reading stale


class MemoryReading:
    """This process's proportional memory, being read since this object was made.

    Threading: `fields()` blocks until it was read, some milliseconds; any thread.
    """

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        self._resident = _resident_pages()
        self._thread: threading.Thread | None = threading.Thread(
            target=self._read, name="memory-reading", daemon=True
        )
        try:
            self._thread.start()
        except (RuntimeError, MemoryError):  # no more threads: fields() reads then, as it would without this
            self._thread = None

    def fields(self) -> dict[str, str]:
        """Return what was read as an event's field, or what is true now if the memory has changed since."""
        if self._thread is None:
            return pss_mb()
        self._thread.join()
        # Resident memory costs microseconds to ask for; it counts wrongly, but it tells a change
        return self._found if abs(_resident_pages() - self._resident) <= _MOVED * self._resident else pss_mb()

    def _read(self) -> None:
        self._found = pss_mb()


def pss_mb() -> dict[str, str]:
    """Return this process's proportional memory in megabytes as an event's field; nothing where unknown.

    PSS and not RSS, because weights are mapped from the file: RSS counts the same page for each mapping.
    """
    try:
        text = Path("/proc/self/smaps_rollup").read_text("ascii")
    except OSError:  # not Linux
        return {}
    found = _PSS.search(text)
    return {"pss_mb": f"{int(found[1]) / 1024:.1f}"} if found else {}


def _resident_pages() -> int:
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
