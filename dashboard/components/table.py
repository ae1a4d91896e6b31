"""How high a table will be, told before it comes in: what stands below it would jump otherwise."""

from __future__ import annotations

from collections.abc import Sized
from typing import Final

__all__ = ["table_height"]

_ROW_PX: Final = 33  # 2.2 of the theme's 15 pixels
_FRAME_PX: Final = 2


def table_height(rows: Sized, *, most: int = 12) -> int:
    """Return the pixels that a table of `rows` takes with its head; from `most` rows on it scrolls."""
    return _ROW_PX * (min(len(rows), most) + 1) + _FRAME_PX
