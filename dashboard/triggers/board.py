"""The variants of one release, as several threads learn what becomes of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from dashboard.evidence import Variant

__all__ = ["Board", "OnBoard"]


class Board:
    """Who has been sent, answered or failed. Threading: any thread. What has ended never changes again."""

    def __init__(self, variants: tuple[Variant, ...], on_change: Callable[[], None]) -> None:
        self._variants = {variant.variant_id: variant for variant in variants}
        self._on_change = on_change
        self._lock = threading.Lock()  # guards the table: of two words on one variant the first stands
        self.ended = threading.Event()

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every variant as it stands now."""
        with self._lock:
            return tuple(self._variants.values())

    @property
    def open(self) -> tuple[str, ...]:
        """The ids of those that have not ended."""
        return tuple(each.variant_id for each in self.variants if each.state in ("planned", "sent"))

    @property
    def skew_ms(self) -> float | None:
        """From the first sent to the last; None until all are sent or have ended."""
        variants = self.variants
        times = [variant.sent for variant in variants if variant.sent is not None]
        if not times or any(variant.state == "planned" for variant in variants):
            return None
        return (max(times) - min(times)) * 1000

    def sent(self, ids: Iterable[str], time: float) -> None:
        """Note that they were let go at `time`."""
        self._change(ids, lambda variant: replace(variant, state="sent", sent=time))

    def answered(self, ids: Iterable[str], time: float) -> None:
        """Note that they have ended well."""
        self._change(ids, lambda variant: replace(variant, state="answered", answered=time))

    def failed(self, ids: Iterable[str], error: str) -> None:
        """Note that they have failed, with one sentence."""
        self._change(ids, lambda variant: replace(variant, state="failed", error=error))

    def fail_open(self, error: str) -> None:
        """Note that all that have not ended have failed."""
        self.failed(self.open, error)

    def _change(self, ids: Iterable[str], change: Callable[[Variant], Variant]) -> None:
        with self._lock:
            for name in ids:
                before = self._variants.get(name)
                if before is not None and before.state in ("planned", "sent"):
                    self._variants[name] = change(before)
            over = all(each.state in ("answered", "failed") for each in self._variants.values())
        self._on_change()
        if over:
            self.ended.set()


class OnBoard:
    """The part of a trigger that its board tells. See `base.Trigger`."""

    _board: Board

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every variant as it stands now."""
        return self._board.variants

    @property
    def done(self) -> bool:
        """Whether every variant has been answered or has failed."""
        return self._board.ended.is_set()

    @property
    def skew_ms(self) -> float | None:
        """From the first variant let go to the last."""
        return self._board.skew_ms

    @property
    def unreached(self) -> str | None:
        """None, unless a trigger knows better: what was not reached was told before the release."""
        return None

    def wait(self, timeout: float) -> bool:
        """Wait until the last variant has ended; False after `timeout` seconds."""
        return self._board.ended.wait(timeout)
