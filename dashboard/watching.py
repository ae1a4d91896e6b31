"""One watch of a console: a container's log, followed and read by a vigil. For one thread, but for `view`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.follower import Follower
from dashboard.evidence import LogLine
from dashboard.logs import LogRing
from dashboard.profiles import Profile
from dashboard.vigil import Alarm, Vigil, WorkerSeen
from dashboard.watch_file import KeptAlarm, Watched

__all__ = ["WatchState", "WatchView", "Watching", "same"]

WatchState = Literal["connecting", "following", "stopped", "away", "gone", "closed", "hidden"]
Sink = Callable[["Watching", Vigil, tuple[LogLine, ...]], None]

_SAME_LIFE_S: Final = 1.5
"""The beginning of a life is told a little differently once the container has ended."""


@dataclass(frozen=True, slots=True)
class WatchView:
    """How one watch fares: an immutable picture.

    Attributes:
        state, text: of the following, and one sentence on it.
        image: of the container; empty until it was found. began: its present life, Unix seconds.
        restarts: how often it was started again since the watch began, or since the console did.
        lines: how many were read. workers: the processes of this life that have loaded anything.
    """

    watched: Watched
    state: WatchState = "connecting"
    text: str = ""
    image: str = ""
    began: float | None = None
    restarts: int = 0
    lines: int = 0
    workers: tuple[WorkerSeen, ...] = ()


class Watching:
    """A watch. It begins to follow with `follow`, and can be hindered and followed again."""

    def __init__(self, watched: Watched) -> None:
        self.watched: Final = watched
        self.view = WatchView(watched)
        self.ended = False
        """Nobody wants it any more; set by any thread."""
        self._vigil = Vigil(expected_workers=watched.expected_workers)
        self._follower: Follower | None = None

    @property
    def followed(self) -> bool:
        """Whether its log is being read."""
        return self._follower is not None

    def follow(
        self, engine: Engine, container: ContainerFacts, profile: Profile | str | None, sink: Sink
    ) -> None:
        """Follow the container from the beginning of its present life on; its lines go to `sink`.

        With them goes the vigil that they are for: those that come late are none of the next one's.
        """
        vigil = self._vigil = Vigil(profile, expected_workers=self.watched.expected_workers)
        self._follower = Follower(
            engine,
            container,
            ring=LogRing(container.name, max_lines=1),  # the lines go on from here at once
            since=container.begun_at,
            sink=lambda lines: sink(self, vigil, lines),
        )
        self.look()

    def read(self, vigil: Vigil, lines: Sequence[LogLine]) -> tuple[Alarm, ...]:
        """Read lines of its log, and return what is alarming in them."""
        if vigil is not self._vigil or self._follower is None:
            return ()
        alarms = vigil.feed(lines)
        self.look()
        return alarms

    def look(self) -> None:
        """Take a new picture."""
        follower = self._follower
        if follower is None:
            return
        following, container = follower.following, follower.container
        self.view = WatchView(
            self.watched,
            following.state,
            following.text,
            container.image,
            container.started_at if container.running else None,
            self._vigil.restarts,
            follower.ring.next,
            self._vigil.workers(),
        )

    def hinder(self, state: WatchState, text: str) -> None:
        """Follow no more for now, and say why. What was seen of this life is read again later."""
        self.close()
        self.view = WatchView(self.watched, state, text)

    def kept(self, alarm: Alarm) -> KeptAlarm:
        """Return an alarm of this watch as it is remembered."""
        began = self._vigil.life_began
        if began is None and self._follower is not None:
            began = self._follower.head()[0].begun_at
        return KeptAlarm(alarm.time, alarm.source, alarm.code, alarm.text, alarm.sure, began or 0.0)

    def close(self) -> None:
        """End the following. Idempotent; blocks while the engine answers what it was asked."""
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.close()


def same(one: KeptAlarm, other: KeptAlarm) -> bool:
    """Whether two alarms tell of the same: each kind of fact is told once for each life of a container.

    So a console that was started again, and reads a life anew, does not alarm anew.
    """
    if (one.container, one.code, one.sure) != (other.container, other.code, other.sure):
        return False
    return abs(one.life - other.life) <= _SAME_LIFE_S and (one.sure or one.text == other.text)
