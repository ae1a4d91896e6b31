"""The journal: gives each load event its place, keeps the latest, and prints one line for each.

    OnceLoader, controls --record()--> Journal --one write--> stdout
                                          └──ring── since() --> GET /loader

One process has one journal, because `boot` and `seq` are the process's.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

from loader.events import EventKind, LoadEvent, format_line

__all__ = ["JOURNAL", "Journal", "on_behalf_of", "plain"]

_KEPT: Final = 20_000  # events: a release of 1,000 variants makes some 2,000
_UNPRINTABLE: Final = re.compile(r"[=\"\\\x00-\x1f\x7f-\x9f\u2028\u2029]")

_CALLER: ContextVar[str | None] = ContextVar("loadonce_caller", default=None)


@contextmanager
def on_behalf_of(caller: str) -> Iterator[None]:
    """Name what runs inside, and the loads that it begins, after `caller` in the `thread=` of events."""
    token = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(token)


def plain(text: str, limit: int = 200) -> str:
    """Return `text` fit for a phrase: no `=`, quotes or control characters, and no longer than `limit`."""
    return _UNPRINTABLE.sub(" ", text)[:limit]


class Journal:
    """The record of one process's load events.

    Threading: any thread may call anything. The lock covers the number, the ring and the line of one event
    together, so that lines stand on stdout in the order of their `seq`, and two threads never join theirs.
    Whoever records may therefore wait for the reader of stdout, as with any log.
    """

    def __init__(
        self, *, stream: Callable[[], TextIO | None] = lambda: sys.stdout, keep: int = _KEPT
    ) -> None:
        self._stream, self._keep = stream, keep
        self._loads = 0
        self.parent_boot: str | None = None
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self.boot = secrets.token_hex(6)
        self._seq = 0
        self._ring: deque[LoadEvent] = deque(maxlen=self._keep)

    def renew(self) -> None:
        """Begin a life of its own in a forked child: a new boot without a parent, nothing kept, load 1."""
        self._loads = 0
        self.parent_boot = None
        self._begin()

    def after_fork(self) -> None:
        """Begin a new boot that remembers its parent. Loads are numbered on, so that no number is used twice:
        a model that came with the fork keeps its parent's load number."""
        self.parent_boot = self.boot
        self._begin()

    def next_load(self) -> int:
        """Return a load number that this boot has not used."""
        with self._lock:
            self._loads += 1
            return self._loads

    def record(
        self,
        kind: EventKind,
        *,
        model: str,
        phrase: str,
        load: int | None = None,
        level: str = "INFO",
        fields: Mapping[str, str] | None = None,
    ) -> LoadEvent:
        """Number the event, keep it, print its line, and return it. Never raises for a broken stdout."""
        pairs = dict(fields or {})
        if self.parent_boot is not None:
            pairs["parent_boot"] = self.parent_boot
        caller = _CALLER.get() or threading.current_thread().name
        with self._lock:
            self._seq += 1
            event = LoadEvent(
                kind=kind,
                time=datetime.now(UTC),
                boot=self.boot,
                seq=self._seq,
                model=model,
                pid=os.getpid(),
                thread=caller,
                load=load,
                level=level,
                phrase=plain(phrase),
                fields=pairs,
            )
            self._ring.append(event)
            self._print(format_line(event) + "\n")
        return event

    def since(self, seq: int) -> list[LoadEvent]:
        """Return the kept events after number `seq`, in order. Older ones than the ring holds are gone."""
        with self._lock:
            return [event for event in self._ring if event.seq > seq]

    @property
    def seq(self) -> int:
        """Number of the newest event; 0 when there is none."""
        return self._seq

    def _print(self, line: str) -> None:
        stream = self._stream()
        if stream is None:  # a service without a console
            return
        try:
            stream.flush()  # what others have begun to print comes first, whole
            try:
                number = stream.fileno()
            except (OSError, AttributeError):  # a captured stdout has no number
                stream.write(line)
                stream.flush()
                return
            rest = line.encode("utf-8", "backslashreplace")
            while rest:  # one write in all cases but a nearly full pipe
                rest = rest[os.write(number, rest) :]
        except (OSError, ValueError):
            # Nobody reads any more, or stdout is closed: a lost line must not fail a load. `since()` has it.
            return


JOURNAL: Final = Journal()
"""The journal of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=JOURNAL.after_fork)
