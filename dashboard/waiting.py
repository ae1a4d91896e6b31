"""Waits that can be given up: every one of them looks ten times a second whether anybody still wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["SLICE_S", "Cancelled", "never", "wait_for"]

SLICE_S: Final = 0.1
"""How long a wait goes on before it looks whether it was cancelled."""

Cancelled = Callable[[], bool]
"""Tells whether the caller no longer wants what it waits for. Asked ten times a second, on its own thread."""


def never() -> bool:
    """Say that nobody cancels."""
    return False


def wait_for(event: threading.Event, timeout: float, cancelled: Cancelled = never) -> bool:
    """Block until `event` is set; False after `timeout` seconds, or soon after `cancelled()` is true."""
    deadline = time.monotonic() + timeout
    while not event.wait(max(0.0, min(SLICE_S, deadline - time.monotonic()))):
        if cancelled() or time.monotonic() >= deadline:
            return event.is_set()
    return True
