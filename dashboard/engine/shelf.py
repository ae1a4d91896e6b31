"""The containers of this machine's engine for every viewer: one list, and each log followed once."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Following
from dashboard.engine.occupation import occupation
from dashboard.engine.viewed import OpenLog, ViewedLog
from dashboard.engine.whole_log import WholeLog
from dashboard.log_range import LogRange

__all__ = ["ContainerShelf", "Listing", "OtherNumbers"]

_FRESH_S: Final = 2.0
_DISTURBS_S: Final = 5.0
_MOST: Final = 16
"""Logs followed at once; the one that was asked for longest ago makes room, if nobody looks at it."""
_IDLE_S: Final = 900.0
_SWEEP_S: Final = 30.0
"""A log that nobody has looked at for so long is followed no more: its engine has it all the same."""


class OtherNumbers(EngineError):
    """The lines of this log have other numbers by now: ask the page again, and read from the beginning."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The containers as they were a moment ago; without an engine, none and `problem` in one sentence."""

    containers: tuple[ContainerFacts, ...] = ()
    problem: str = ""
    engine: str = ""
    clock_ahead_s: float = 0.0


class ContainerShelf:
    """Asks the engine when a viewer wants to see something, and never otherwise.

    Args:
        folder: where lines of logs are kept that the memory has no room for; None is the system's own.
        sweep_s: how often logs are looked for that nobody looks at.

    Threading: any thread. `listing` blocks while the engine answers, a fraction of a second; every other
    caller meanwhile gets the list of before.
    """

    def __init__(
        self,
        open_engine: Callable[[], Engine] = Engine.open,
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        sweep_s: float = _SWEEP_S,
    ) -> None:
        self._open_engine, self._clock, self._folder = open_engine, clock, folder
        self._engine: Engine | None = None
        self._listing = Listing()
        self._listed_at = float("-inf")
        self._asking = threading.Lock()  # held by the one who asks the engine for the list
        self._opening = threading.Lock()  # held by the one who looks for the engine, which may take long
        self._lock = threading.Lock()  # guards the engine and the logs; never held over a question
        self._disturbs: dict[str, tuple[float, str]] = {}
        self._logs: OrderedDict[str, ViewedLog] = OrderedDict()
        self._ids: dict[str, str] = {}
        self._closed = False
        self._closing = threading.Event()
        self._sweep_s, self._sweeper = (
            sweep_s,
            threading.Thread(target=self._sweep, name="end-idle", daemon=True),
        )

    def listing(self) -> Listing:
        """Return the containers as they are, or were at most two seconds ago."""
        if self._clock() - self._listed_at > _FRESH_S and self._asking.acquire(blocking=False):
            try:
                engine = self._connected()
                self._listing = Listing(engine.containers(), "", engine.host, engine.clock_ahead_s)
            except EngineError as error:
                self._forget_engine()
                self._listing = Listing(problem=str(error))
            finally:
                self._listed_at = self._clock()
                self._asking.release()
        return self._listing

    def log_id(self, name: str) -> str:
        """Return what tells a log's line numbers from those that another follower would give its lines."""
        with self._lock:
            return self._ids.setdefault(name, secrets.token_hex(4))

    def log(self, name: str, wanted: LogRange, since: int = 0) -> OpenLog:
        """Return a part of a container's log, which is followed from now on if it was not before.

        Args:
            since: number of the line to go on with; 0 begins at the beginning.

        Raises:
            OtherNumbers: `wanted` was made for line numbers that are not given any more.
            EngineError: there is no such container, or the engine does not answer.
        """
        if wanted.log and wanted.log != self.log_id(name):
            raise OtherNumbers(f"The log of {name} was opened anew meanwhile.")
        return self._viewed(name).open(wanted, since)

    def whole_log(self, name: str, begin: float | None, until: float | None) -> WholeLog:
        """Return a reading of a container's log from `begin` to `until`, to be read once and then closed.

        Raises:
            EngineError: there is no such container, or the engine does not answer.
        """
        engine = self._connected()
        return WholeLog(engine, engine.container(name), since=begin, until=until)

    def _viewed(self, name: str) -> ViewedLog:
        with self._lock:
            viewed = self._logs.get(name)
            if viewed is not None:
                self._logs.move_to_end(name)
                return viewed
        engine = self._connected()
        container = engine.container(name)
        with self._lock:
            if self._closed:
                raise EngineError("The console is closing.")
            if name not in self._logs:  # nobody was faster
                self._logs[name] = ViewedLog(engine, container, self._folder, clock=self._clock)
            if self._sweeper.ident is None:
                self._sweeper.start()
            idle = [each for each, log in self._logs.items() if each != name and log.idle_s()]
            surplus = self._taken_out(idle[: max(0, len(self._logs) - _MOST)])
            viewed = self._logs[name]
        for old in surplus:
            old.close()
        return viewed

    def _sweep(self) -> None:
        """Follow no more what nobody looks at any more."""
        while not self._closing.wait(self._sweep_s):
            with self._lock:
                idle = self._taken_out([each for each, log in self._logs.items() if log.idle_s() > _IDLE_S])
            for old in idle:
                old.close()

    def _taken_out(self, names: Sequence[str]) -> list[ViewedLog]:
        for name in names:
            self._ids.pop(name, None)  # another follower would give its lines other numbers
        return [self._logs.pop(name) for name in names]

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
            log = self._logs.get(name)
        return None if log is None else log.following

    def close(self) -> None:
        """Stop following. Idempotent; blocks until every follower has heard its engine out."""
        with self._lock:
            self._closed = True
            logs, self._logs = list(self._logs.values()), OrderedDict()
        self._closing.set()
        # All at once: an engine that hangs is waited for once, and not for each log
        ends = [threading.Thread(target=log.close, name="end-following") for log in logs]
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
            if self._engine is not None and not self._logs:
                self._engine.close()
                self._engine = None
