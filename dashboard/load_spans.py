"""Loads as spans of time: which process made them, how they ended, and which lay over each other. Pure.

    events --ledger--> attempts --> LoadSpan  process ███████ completed
                                              process    ▓▓▓▓▓▓▓ overlaps: red

Told from the same ledger as the verdict is, so that a chart and a verdict never count differently.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.evidence import Evidence, LogEvent
from dashboard.language import _
from dashboard.ledger import Account, Attempt, read_ledger

__all__ = ["LoadSpan", "Outcome", "load_spans", "span_words"]

Outcome = Literal["completed", "failed", "meta", "open", "cut", "untold"]
"""`open` has not ended; `cut` was ended by a restart; `untold` is of a log that never tells of ends."""
_TELLING: Final = frozenset({"started", "completed", "failed", "meta_tensor_error", "released"})


@dataclass(frozen=True, slots=True)
class LoadSpan:
    """One load. Times are Unix seconds.

    Attributes:
        process: names the process for people: `3f9c1a`, `pid 7`, or its number in its log.
        life: how often its container had been restarted before.
        start, end: one of them may be unknown, never both.
        again: the same process had loaded the same model before, and not given it up.
        line, end_line: numbers of the log lines that showed its start and its end.
    """

    process: str
    life: int
    start: float | None
    end: float | None
    outcome: Outcome
    overlaps: bool
    again: bool
    model: str | None
    thread: str | None
    load: int | None
    line: int | None
    end_line: int | None

    @property
    def begin(self) -> float:
        """Where its bar begins."""
        return self.start if self.start is not None else self.end or 0.0

    @property
    def bad(self) -> bool:
        """Whether it alone makes a verdict red."""
        return self.overlaps or self.again or self.outcome == "meta"


def load_spans(events: Iterable[LogEvent], restarts: Sequence[float] = ()) -> tuple[LoadSpan, ...]:
    """Return the loads that the events tell of, in the order of time.

    Args:
        restarts: when the process that writes the log was ended and started again: no load outlives it.
    """
    lives: dict[int, list[LogEvent]] = defaultdict(list)
    for event in events:
        if event.kind in _TELLING:
            lives[bisect_right(restarts, event.time)].append(event)
    spans = [
        span
        for life, own in lives.items()
        for account in read_ledger(Evidence(events=tuple(own))).accounts
        for span in _spans(account, life, over=life < len(restarts))
    ]
    return tuple(sorted(spans, key=lambda span: span.begin))


def span_words(span: LoadSpan) -> str:
    """Return how a load ended, and what was wrong with it."""
    words = {
        "completed": _("completed"),
        "failed": _("failed"),
        "meta": _("ended in a meta tensor error"),
        "open": _("no end seen"),
        "cut": _("cut off by a restart"),
        "untold": _("its log does not tell of ends"),
    }[span.outcome]
    if span.overlaps:
        return _("{words}; it overlaps another load of its process", words=words)
    if span.again:
        return _("{words}; its process had loaded this model before", words=words)
    return words


def _spans(account: Account, life: int, *, over: bool) -> Iterable[LoadSpan]:
    loaded = False
    for attempt in account.attempts:
        began, ended = attempt.started, attempt.ended
        told = began or ended
        if told is None:
            continue
        yield LoadSpan(
            process=_process(account, told),
            life=life,
            start=began.time if began is not None else None,
            end=ended.time if ended is not None else None,
            outcome=_outcome(attempt, over=over),
            overlaps=attempt.overlapped,
            again=loaded and account.room == 1 and not attempt.overlapped,
            model=account.model,
            thread=told.thread,
            load=attempt.load,
            line=began.line if began is not None else None,
            end_line=ended.line if ended is not None else None,
        )
        loaded = loaded or attempt.completed


def _outcome(attempt: Attempt, *, over: bool) -> Outcome:
    if attempt.meta and not attempt.completed:
        return "meta"
    if attempt.completed:
        return "completed"
    if attempt.failed:
        return "failed"
    if over:
        return "cut"
    return "untold" if attempt.endless else "open"


def _process(account: Account, event: LogEvent) -> str:
    if account.boot is not None:
        return account.boot
    return f"pid {event.pid}" if event.pid is not None else f"process {account.life}"
