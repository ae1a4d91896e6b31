"""Watches that pages ask for: begun by anybody, seen by every tab, and kept over the console's restart.

    Follower of each container --lines, as many as there is room for--> one thread --Watching--> WatchView
                                                                             └--Alarm--> kept, told on

What the `watch` command does, too, is in `vigil`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.faults import ContainerGone, EngineError
from dashboard.evidence import LogLine
from dashboard.profiles import Profile
from dashboard.store import Store, StoreError
from dashboard.target_settings import TargetSettingsError, target_settings
from dashboard.timeline import PROFILE_NAMES, UnknownProfile, named_profile
from dashboard.vigil import Alarm, Vigil
from dashboard.watch_file import MOST_ALARMS, Kept, KeptAlarm, Watched, WatchFile, WatchFileError
from dashboard.watching import Watching, WatchView, same

__all__ = ["MOST_WATCHES", "WatchDesk", "WatchesView"]

MOST_WATCHES: Final = 200
"""Each costs a thread and a connection to the engine."""
_ROOM: Final = 64
"""Batches of lines that wait to be read. When there are as many, followers wait; the engine has the rest."""
_TICK_S: Final = 0.2
_LOOK_S: Final = 2.0
_END_S: Final = 20.0
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchesView:
    """All watches, in the order in which they were begun, and the alarms, the newest first.

    `problem` says why they are not kept, or why there are none to be had here; `kept`, whether they outlive
    the console.
    """

    watches: tuple[WatchView, ...] = ()
    alarms: tuple[KeptAlarm, ...] = ()
    problem: str = ""
    kept: bool = True


class WatchDesk:
    """Takes watches. Threading: any thread; `begin` may wait for the engine, `close` for its last answers.

    Args:
        home: the data folder, in which they are kept; without one they end with the console.
        sight: looks at the engine's containers, and returns what tells of each by its name why it may not be
            seen, or nothing; may block while the engine answers.
        alarmed: is told of each new alarm, on the desk's thread.
        look_s: how often what could not be followed is tried again.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        open_engine: Callable[[], Engine] = Engine.open,
        sight: Callable[[], Callable[[str], str]] = lambda: _all_seen,
        alarmed: Callable[[Alarm], object] = lambda alarm: None,
        look_s: float = _LOOK_S,
    ) -> None:
        self._home, self._open_engine = home, open_engine
        self._sight, self._alarmed, self._look_s = sight, alarmed, look_s
        self._file = None if home is None else WatchFile(home)
        self._lock = (
            threading.Lock()
        )  # guards all below: what is watched, what was raised, what stands against
        self._watches: dict[str, Watching] = {}
        self._unwanted: list[Watching] = []
        self._alarms: list[KeptAlarm] = []
        self._problem = ""
        self._taken = self._file is None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._come: queue.Queue[tuple[Watching, Vigil, tuple[LogLine, ...]]] = queue.Queue(_ROOM)

    def resume(self) -> None:
        """Go on with what was watched when the console ended. Reads a file; follows in the background."""
        with self._lock:
            self._take()

    def view(self) -> WatchesView:
        """Return how all of them fare."""
        with self._lock:
            watches = tuple(each.view for each in self._watches.values())
            return WatchesView(watches, tuple(reversed(self._alarms)), self._problem, self._file is not None)

    def profiles(self) -> tuple[str, ...]:
        """Return the names of the profiles by which logs can be read: built in, and the user's own."""
        try:
            own = () if self._home is None else tuple(target_settings(self._home).own_profiles())
        except TargetSettingsError:
            own = ()  # the page of the targets says what is wrong with them
        return (*PROFILE_NAMES, *own)

    def begin(
        self, container: str, *, profile: str | None, expected_workers: int, store: Store, actor: str
    ) -> str:
        """Watch a container on behalf of `actor`; return what stands against that, or nothing if it began."""
        unseen = self._sight()(container)
        if unseen:
            return unseen
        with self._lock:
            if self._closing.is_set():
                return "The console is closing."
            if not self._take():
                return self._problem
            if container in self._watches:
                return f"{container} is watched already."
            if len(self._watches) >= MOST_WATCHES:
                return f"{MOST_WATCHES} containers are watched, and no more can be. End one of them first."
            watched = Watched(container, profile, expected_workers, actor, time.time())
            self._watches[container] = Watching(watched)
            self._keep()
            self._work_on()
        _note(store, actor, "watch", container, "begun")
        return ""

    def stop(self, container: str, *, store: Store, actor: str) -> None:
        """Watch a container no more; its alarms are remembered. Idempotent."""
        with self._lock:
            watch = self._watches.pop(container, None)
            if watch is None:
                return
            watch.ended = True
            self._unwanted.append(watch)
            self._keep()
        _note(store, actor, "watch", container, "ended")

    def close(self) -> None:
        """Follow no more. Idempotent. What is watched is kept, and goes on at the console's next start."""
        with self._lock:
            self._closing.set()
            thread = self._thread
        if thread is not None:
            thread.join(_END_S)
        if self._file is not None:
            self._file.release()

    # -- what needs the lock ----------------------------------------------------------------------------

    def _take(self) -> bool:
        """Make what is kept this console's own, if it is not yet; tell whether it is."""
        if not self._taken and self._file is not None:
            try:
                self._file.take()
                kept = self._file.read()
            except WatchFileError as error:
                self._problem = str(error)
                return False
            self._taken, self._problem, self._alarms = True, "", list(kept.alarms)
            self._watches = {each.container: Watching(each) for each in kept.watches}
            self._work_on()
        return True

    def _keep(self) -> None:
        if self._file is None:
            return
        kept = Kept(tuple(each.watched for each in self._watches.values()), tuple(self._alarms))
        try:
            self._file.write(kept)
        except WatchFileError as error:
            self._problem = str(error)
        else:
            self._problem = ""

    def _work_on(self) -> None:
        if self._thread is None and self._watches:
            self._thread = threading.Thread(target=self._work, name="watches", daemon=True)
            self._thread.start()

    # -- on the desk's own thread -----------------------------------------------------------------------

    def _work(self) -> None:
        engine: Engine | None = None
        look_at = 0.0
        try:
            while not self._closing.is_set():
                if time.monotonic() >= look_at:
                    engine = self._look(engine)
                    look_at = time.monotonic() + self._look_s
                with suppress(queue.Empty):
                    self._read(*self._come.get(timeout=_TICK_S))
                _end(self._not_wanted())  # not waited for: an engine that hangs holds up nobody
        finally:
            for end in _end((*self._wanted(), *self._not_wanted())):
                end.join()
            if engine is not None:
                engine.close()

    def _look(self, engine: Engine | None) -> Engine | None:
        """Follow what is not followed yet, and see how the others fare."""
        wanted = self._wanted()
        unseen_in = self._sight() if wanted else _all_seen  # once for all: it asks the engine
        for watch in wanted:
            name = watch.watched.container
            if unseen := unseen_in(name):
                watch.hinder("hidden", unseen)
            elif watch.followed:
                watch.look()
            else:
                try:
                    engine = engine or self._open_engine()
                    watch.follow(engine, engine.container(name), self._profile(watch.watched), self._pour)
                except ContainerGone as error:
                    watch.hinder("gone", str(error))
                except (EngineError, TargetSettingsError, UnknownProfile) as error:
                    watch.hinder("away", str(error))
        return engine

    def _profile(self, watched: Watched) -> Profile | str | None:
        own = {} if self._home is None else target_settings(self._home).own_profiles()
        return named_profile(watched.profile, own)

    def _pour(self, watch: Watching, vigil: Vigil, lines: tuple[LogLine, ...]) -> None:
        """Hand lines on, on a follower's thread: it waits while there is no room, and the engine with it."""
        while not (self._closing.is_set() or watch.ended):
            with suppress(queue.Full):
                self._come.put((watch, vigil, lines), timeout=_TICK_S)
                return

    def _read(self, watch: Watching, vigil: Vigil, lines: tuple[LogLine, ...]) -> None:
        if watch.ended:
            return
        for alarm in watch.read(vigil, lines):
            kept = watch.kept(alarm)
            with self._lock:
                if any(same(kept, other) for other in self._alarms):
                    continue
                self._alarms = [*self._alarms, kept][-MOST_ALARMS:]
                self._keep()
            _LOG.warning("Watch: %s: %s", alarm.source, alarm.text)
            self._alarmed(alarm)

    def _wanted(self) -> tuple[Watching, ...]:
        with self._lock:
            return tuple(self._watches.values())

    def _not_wanted(self) -> tuple[Watching, ...]:
        with self._lock:
            unwanted = tuple(self._unwanted)
            self._unwanted.clear()
            return unwanted


def _all_seen(name: str) -> str:
    return ""


def _end(watches: Iterable[Watching]) -> list[threading.Thread]:
    """End the following of watches, each on a thread of its own: an engine that hangs is waited for once."""
    ends = [threading.Thread(target=watch.close, name="end-watch", daemon=True) for watch in watches]
    for end in ends:
        end.start()
    return ends


def _note(store: Store, actor: str, action: str, target: str, outcome: str) -> None:
    with suppress(StoreError):  # the watch counts, whatever the history says
        store.note_action(actor=actor, action=action, target=target, outcome=outcome)
