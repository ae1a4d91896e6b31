"""How much memory this process has, where to ask costs next to nothing beside the load that it is told of.

The kernel counts every resident page, some 10 ms for a gigabyte: 4 % of the load of a mapped checkpoint, and
callers wait for it, or share a core with it. So a reading has an allowance.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["pss_mb", "pss_mb_of_load"]

_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_PAGE_S: Final = 50e-9  # to count one page; measured 22 to 48
_ALWAYS_S: Final = 0.006
_SHARE: Final = 0.01  # of a load


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


def pss_mb_of_load(seconds: float) -> dict[str, str]:
    """As `pss_mb()`, at the end of a load that took so long; nothing where it would cost over 1 % of that.

    Six milliseconds are always allowed: enough for 480 MB.
    """
    return pss_mb() if _resident_pages() * _PAGE_S <= max(_ALWAYS_S, _SHARE * seconds) else {}


def _resident_pages() -> int:
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
