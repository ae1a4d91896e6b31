"""The containers of this machine's engine for every viewer: one list, one follower for each log."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Follower, Following
from dashboard.engine.occupation import occupation
from dashboard.logs import LogRing

__all__ = ["ContainerShelf", "Listing"]

_FRESH_S: Final = 2.0
_DISTURBS_S: Final = 5.0
_TAIL: Final = 5000
"""Lines that a log begins with; older ones are for the command line, or for docker itself."""
_MOST: Final = 16
"""Logs followed at once; the one that was asked for longest ago makes room."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The containers as they were a moment ago; without an engine, none and `problem` in one sentence."""

    containers: tuple[ContainerFacts, ...] = ()
    problem: str = ""
    engine: str = ""


class ContainerShelf:
    """Asks the engine when a viewer wants to see something, and never otherwise.

    Threading: any thread. `listing` blocks while the engine answers, a fraction of a second; every other
    caller meanwhile gets the list of before.
    """

    def __init__(
        self, open_engine: Callable[[], Engine] = Engine.open, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_engine, self._clock = open_engine, clock
        self._engine: Engine | None = None
        self._listing = Listing()
        self._listed_at = float("-inf")
        self._asking = threading.Lock()  # held by the one who asks the engine for the list
        self._opening = threading.Lock()  # held by the one who looks for the engine, which may take long
        self._lock = threading.Lock()  # guards the engine and the followers; never held over a question
        self._disturbs: dict[str, tuple[float, str]] = {}
        self._followers: OrderedDict[str, Follower] = OrderedDict()
        self._closed = False

    def listing(self) -> Listing:
        """Return the containers as they are, or were at most two seconds ago."""
        if self._clock() - self._listed_at > _FRESH_S and self._asking.acquire(blocking=False):
            try:
                engine = self._connected()
                self._listing = Listing(engine.containers(), "", engine.host)
            except EngineError as error:
                self._forget_engine()
                self._listing = Listing(problem=str(error))
            finally:
                self._listed_at = self._clock()
                self._asking.release()
        return self._listing

    def ring(self, name: str) -> LogRing:
        """Return the log of a container, followed from now on if nobody did before.

        Raises:
            EngineError: there is no such container, or the engine does not answer.
        """
        with self._lock:
            follower = self._followers.get(name)
            if follower is not None:
                self._followers.move_to_end(name)
                return follower.ring
        engine = self._connected()
        container = engine.container(name)
        with self._lock:
            if self._closed:
                raise EngineError("The console is closing.")
            if name not in self._followers:  # nobody was faster
                self._followers[name] = Follower(engine, container, tail=_TAIL)
            ring = self._followers[name].ring
            surplus = [self._followers.popitem(last=False)[1] for _ in range(len(self._followers) - _MOST)]
        for old in surplus:
            old.close()
        return ring

    def disturbs(self, name: str) -> str:
        """Return what a restart of a container would disturb, as a sentence; at most five seconds old.

        A short command runs in the container for that, so ask only of one that may be acted on.

        Raises:
            EngineError: there is no such container, or the engine does not answer.
        """
        asked_at, told = self._disturbs.get(name, (float("-inf"), ""))
        if self._clock() - asked_at > _DISTURBS_S:
            engine = self._connected()
            told = occupation(engine, engine.container(name))
            self._disturbs[name] = self._clock(), told
        return told

    def following(self, name: str) -> Following | None:
        """Tell how the follower of a container fares; None when its log is not followed."""
        with self._lock:
            follower = self._followers.get(name)
        return None if follower is None else follower.following

    def close(self) -> None:
        """Stop following. Idempotent; blocks until every follower has heard its engine out."""
        with self._lock:
            self._closed = True
            followers, self._followers = list(self._followers.values()), OrderedDict()
        # All at once: an engine that hangs is waited for once, and not for each log
        ends = [threading.Thread(target=follower.close, name="end-following") for follower in followers]
        for end in ends:
            end.start()
        for end in ends:
            end.join()
        self._forget_engine()

    def _connected(self) -> Engine:
        with self._opening:
            engine = self._kept()
            if engine is None:
                engine = self._open_engine()
                try:
                    self._kept(engine)
                except EngineError:
                    engine.close()
                    raise
            return engine

    def _kept(self, opened: Engine | None = None) -> Engine | None:
        with self._lock:
            if self._closed:
                raise EngineError("The console is closing.")
            self._engine = opened or self._engine
            return self._engine

    def _forget_engine(self) -> None:
        """Look for the engine anew at the next question: DOCKER_HOST's engine may be another one by then."""
        with self._lock:
            if self._engine is not None and not self._followers:
                self._engine.close()
                self._engine = None
