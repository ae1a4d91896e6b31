"""What was last made of a few immutable pictures: a page that is drawn again need not make it again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from dashboard.language import tag

__all__ = ["Remembered"]

_P = TypeVar("_P")
_M = TypeVar("_M")
_MOST: Final = 4


class Remembered(Generic[_P, _M]):
    """Calls `make` once for each picture and language, as long as it is among the last few.

    Pictures are told apart by being the very same object: to compare two of a hundred thousand events would
    take as long as what is saved. They are held, so that no other can get the place of one in memory.

    Threading: any thread; nobody waits for another one's `make`. Two may make the same, which harms nobody.
    """

    def __init__(self, make: Callable[[_P], _M]) -> None:
        self._make = make
        self._lock = threading.Lock()  # guards what is known; never held while something is made
        self._known: deque[tuple[_P, str, _M]] = deque(maxlen=_MOST)

    def __call__(self, picture: _P) -> _M:
        """Return what `make` makes of the picture."""
        spoken = tag()
        with self._lock:
            for known, words, made in self._known:
                if known is picture and words == spoken:
                    return made
        made = self._make(picture)
        with self._lock:
            self._known.append((picture, spoken, made))
        return made
