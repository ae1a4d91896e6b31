"""Logs of several containers followed by a command: merged, and what stands in the way told."""

from __future__ import annotations

import heapq
import queue
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from dashboard.commands import OutOfReach

if TYPE_CHECKING:
    from dashboard.engine.connection import Engine
    from dashboard.engine.facts import ContainerFacts
    from dashboard.engine.follower import Following
    from dashboard.evidence import LogLine

__all__ = ["Part", "by_time", "followed"]

_TICK_S: Final = 0.2
_TOGETHER_S: Final = 0.05
"""Lines of several containers that come within so long are put in the order of their times."""
_MOST_TOGETHER: Final = 10_000
_GONE_S: Final = 3.0
"""Compose makes a new container in the place of an old one: for a moment there is none."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a log is wanted, in the engine's clock: its lines are shown with the engine's times."""

    since: float | None = None
    until: float | None = None
    tail: int | None = None


def by_time(logs: Iterable[Iterable[LogLine]]) -> Iterator[LogLine]:
    """Merge logs by time; each keeps its own order, in which the engine has it."""
    return heapq.merge(*logs, key=lambda line: line.time)


def followed(
    engine: Engine,
    containers: Sequence[ContainerFacts],
    part: Part | None,
    *,
    ended: Callable[[], bool] = lambda: False,
) -> Iterator[Sequence[LogLine]]:
    """Yield the lines of containers as they come, many at once and merged by time, until `ended`.

    Without a part each begins where the life of its container began.

    Raises:
        OutOfReach: there is none of the containers any more.
    """
    from dashboard.engine.follower import Follower
    from dashboard.logs import LogRing

    come: queue.SimpleQueue[tuple[LogLine, ...]] = queue.SimpleQueue()
    with ExitStack() as followers:
        following = []
        for each in containers:
            ring = LogRing(each.name, max_lines=1)  # the lines go on from here at once
            since, tail = (each.begun_at, None) if part is None else (part.since, part.tail)
            following.append(Follower(engine, each, ring=ring, since=since, tail=tail, sink=come.put))
            followers.callback(following[-1].close)
        state = _Troubles()
        while not ended():
            # Looked at before the lines, so that those of a container that is gone now are still shown
            gone = state.all_gone([follower.following for follower in following])
            try:
                first = come.get(timeout=_TICK_S)  # in slices, so that Ctrl-C is heard
            except queue.Empty:
                if gone:
                    raise OutOfReach(gone) from None
                continue
            yield first if len(containers) == 1 else _together(first, come)


def _together(first: tuple[LogLine, ...], come: queue.SimpleQueue[tuple[LogLine, ...]]) -> list[LogLine]:
    """Put what comes at about the same time into the order of its times."""
    logs: dict[str, list[LogLine]] = {}
    batch, count = first, 0
    with suppress(queue.Empty):
        while True:
            logs.setdefault(batch[0].source, []).extend(batch)
            count += len(batch)
            if count > _MOST_TOGETHER:
                break
            batch = come.get(timeout=_TOGETHER_S)
    return list(by_time(logs.values()))


class _Troubles:
    """How the followers fare: tells once what stands in the way, and knows whether to wait any longer."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._gone_at: float | None = None

    def all_gone(self, states: Sequence[Following]) -> str:
        """Return why it makes no sense to wait any longer; nothing while it does."""
        if all(each.state == "gone" for each in states):
            self._gone_at = self._gone_at or time.monotonic()
            long = time.monotonic() - self._gone_at >= _GONE_S
            return " ".join(each.text for each in states) if long else ""
        self._gone_at = None
        troubles = dict.fromkeys(each.text for each in states if each.state in ("away", "gone"))
        for text in troubles:
            if text not in self._told:
                click.echo(text, err=True)
        self._told = set(troubles)  # what is over is told anew when it comes back
        return ""
