"""Moments as people give them: `5m` ago, an hour of today, a full date."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

__all__ = ["MomentError", "moment"]

_AGO: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS: Final = (86_400, 3600, 60, 1)


class MomentError(ValueError):
    """The text names no moment. The message says what does."""


def moment(text: str, now: float) -> float:
    """Return the Unix seconds that `text` names, seen from `now`.

    It may be a span that has gone by (`90s`, `5m`, `1h30m`, `2d`), a date with an hour
    (`2026-11-23T07:10:47Z`; without a zone it is this machine's), or Unix seconds.

    Raises:
        MomentError: it is none of these.
    """
    text = text.strip()
    ago = _AGO.fullmatch(text)
    if text and ago is not None:
        return now - sum(int(count or 0) * unit for count, unit in zip(ago.groups(), _UNITS, strict=True))
    if re.fullmatch(r"\d{9,11}(\.\d+)?", text, re.ASCII):
        return float(text)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise MomentError(
            f"{text!r} is no moment. Give a span such as 5m or 1h30m, or a date such as 2026-11-23T07:10:47Z."
        ) from error
