"""The engine's time stamps: RFC 3339 with nanoseconds, in whole and exact numbers."""

from __future__ import annotations

import calendar
import re
from functools import lru_cache
from typing import Final

__all__ = ["nanoseconds", "seconds"]

_STAMP: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def nanoseconds(stamp: str) -> int | None:
    """Return a stamp as nanoseconds since 1970; None for what is no stamp, and for the engine's zero time."""
    found = _STAMP.fullmatch(stamp)
    if found is None or found[1] == "0001":
        return None
    whole = _whole(stamp[:19])
    if found[8] != "Z":
        hours, minutes = int(found[8][1:3]), int(found[8][4:])
        whole -= (hours * 3600 + minutes * 60) * (-1 if found[8][0] == "-" else 1)
    return whole * 1_000_000_000 + int((found[7] or "").ljust(9, "0"))


def seconds(stamp: str) -> float | None:
    """As `nanoseconds`, in Unix seconds."""
    found = nanoseconds(stamp)
    return None if found is None else found / 1e9


@lru_cache(maxsize=256)  # neighbouring lines share their second
def _whole(stamp: str) -> int:
    year, month, day = int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])
    return calendar.timegm((year, month, day, int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:19])))
