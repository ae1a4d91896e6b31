"""What a console sees to in the background: runs whose process has gone, and those past what is kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from dashboard.retention import Retention, prune
from dashboard.store import Store, StoreError

__all__ = ["Upkeep"]

_EVERY_S: Final = 30.0
_PRUNE_EVERY_S: Final = 600.0
_END_S: Final = 20.0
_LOG: Final = logging.getLogger(__name__)


class Upkeep:
    """Sees to the history on a thread of its own, at once and then every half minute, until it is closed.

    Args:
        interrupted: marks the runs whose process has ended, and tells of them.

    Of several consoles with one history, one deletes runs; all look for processes that have gone, for each
    knows those of its own host. Threading: any thread.
    """

    def __init__(
        self,
        store: Store,
        limits: Retention,
        interrupted: Callable[[], object],
        *,
        every_s: float = _EVERY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._limits, self._interrupted = store, limits, interrupted
        self._every_s, self._clock = every_s, clock
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it. Idempotent; blocks for as long as a run takes to be deleted."""
        self._closed.set()
        self._thread.join(_END_S)

    def _work(self) -> None:
        while True:
            with suppress(StoreError):  # whoever launches a run is told what is wrong with the history
                self._prune()
            if self._closed.wait(self._every_s):
                return
            with suppress(StoreError):
                self._interrupted()

    def _prune(self) -> None:
        if not self._limits.limited or not self._store.claim("retention", every_s=_PRUNE_EVERY_S):
            return
        gone = prune(self._store, self._limits, self._clock(), stop=self._closed.is_set)
        if gone:
            size = sum(each.run.size_bytes for each in gone) / 1e6
            _LOG.warning("Deleted %d runs, %.1f MB, that are past what is to be kept.", len(gone), size)
