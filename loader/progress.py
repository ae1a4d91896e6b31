"""Turns transformers' progress bars for weights into progress events of the load that they belong to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from loader.attempt import report_progress

__all__ = ["follow_progress"]

_SHARDS: Final = "Loading checkpoint shards"  # the progress bar of transformers 4
_TENSORS: Final = "Loading weights"  # … and of 5

_following = False
_lock = threading.Lock()  # guards the setting of the hook: twice would tell each step twice


def follow_progress() -> None:
    """Tell the steps of every load from now on, for good and on every thread. Imports transformers.

    The hook stays: which load a bar belongs to is told by the context that it runs in, so nothing has to be
    put back after a load, where another load's hook could be lost.
    """
    global _following
    from transformers.utils import logging

    with _lock:
        if not _following and hasattr(logging, "set_tqdm_hook"):  # not before transformers 5
            hook = _ProgressHook()
            hook.previous = logging.set_tqdm_hook(hook)
            _following = True


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _ProgressHook:
    previous: Callable[..., Any] | None = None

    def __call__(self, factory: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        description = kwargs.get("desc") or ""
        if args and str(description).startswith((_TENSORS, _SHARDS)) and hasattr(args[0], "__len__"):
            return _Bar(args[0], "tensors" if description.startswith(_TENSORS) else "shards")
        if self.previous is not None:
            return self.previous(factory, args, kwargs)
        return factory(*args, **kwargs)


class _Bar:
    """Stands where a progress bar would: passes the items through and tells how many there were."""

    _STEPS: Final = 10  # events a load at most, but for slow ones …
    _PAUSE_S: Final = 2.0  # … which tell after this many seconds as well

    def __init__(self, items: Any, unit: str) -> None:
        self._items, self._unit = items, unit

    def __iter__(self) -> Iterator[Any]:
        total, told, last = len(self._items), 0, time.monotonic()
        for done, item in enumerate(self._items, 1):
            yield item
            due = done * self._STEPS // total > told * self._STEPS // total
            if due or time.monotonic() - last > self._PAUSE_S:
                told, last = done, time.monotonic()
                report_progress(done, total, self._unit)
