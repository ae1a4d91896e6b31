"""Ctrl-C and kin as a wish that a command carries out when it can, with all that was seen kept."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Final

__all__ = ["Stop"]


class Stop:
    """Turns Ctrl-C, SIGTERM and a closed terminal into a wish that the watching loop asks for.

    A second one ends the watching at once, unless the end is under way already. The handler takes no lock:
    it runs in the middle of whatever the main thread does.
    """

    _SIGNALS: Final = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )

    def __init__(self) -> None:
        self.asked = 0
        self.patient = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stop:
        for number in self._SIGNALS:
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # Whoever has asked once is served; asking again must not turn the exit code into a signal's.
            signal.signal(number, signal.SIG_IGN if self.asked else handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1
        if self.asked > 1 and not self.patient:
            self.patient = True
            raise KeyboardInterrupt
