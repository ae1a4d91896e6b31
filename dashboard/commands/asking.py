"""What commands ask of whoever sits at the terminal, and how they are told to stop."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import click

__all__ = ["agreed", "interruptible"]

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def agreed(told: Callable[[], str], question: str) -> bool:
    """Say what is at stake and ask, on stderr: stdout belongs to the JSON. Without a terminal it is a yes."""
    if not sys.stdin.isatty():
        return True
    click.echo(told(), err=True)
    return click.confirm(question, err=True)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM and a closed terminal into what Ctrl-C is, once: what was begun is ended in peace then."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
