"""Reads what containers loaded in the background of pages: each range once, however many tabs look at it.

page --history(name, range)--> HistoryReader --thread--> engine      the page gets a picture at once
     --lines(name, moment)-->                                        and asks again until it is whole
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.whole_log import read_lines
from dashboard.evidence import LogLine
from dashboard.load_history import SPANS, LoadHistory, read_history
from dashboard.log_moments import AFTER, BEFORE, MomentLines, nearest
from dashboard.profiles import Profile
from dashboard.target_settings import TargetSettingsError, target_settings
from dashboard.timeline import UnknownProfile, named_profile

__all__ = ["HistoryReader", "LinesNear", "Picture"]

_MOST: Final = 8
_AT_ONCE: Final = 2
_NEAR_S: Final = (0.5, 30.0, 3600.0)
_END_S: Final = 5.0
_NOTHING: Final = MomentLines((), None)
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a range: nothing yet, a part of it, or all; `problem` says why there is nothing."""

    history: LoadHistory | None = None
    running: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LinesNear:
    """The lines of a log around a moment, with the engine's own times; `running` while they are fetched."""

    found: MomentLines
    running: bool = False
    problem: str = ""


class HistoryReader:
    """Remembers the last few pictures. Threading: any thread; nothing blocks but `close`."""

    def __init__(self, home: Path | None = None, open_engine: Callable[[], Engine] = Engine.open) -> None:
        self._home, self._open_engine = home, open_engine
        self._lock = threading.Lock()  # guards both; never held over a question to an engine
        self._pictures: OrderedDict[tuple[str, str], Picture] = OrderedDict()
        self._lines: OrderedDict[tuple[str, float], LinesNear] = OrderedDict()
        self._free = threading.Semaphore(_AT_ONCE)  # a log of gigabytes takes a core for its time
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def history(self, name: str, span: str, *, anew: bool = False) -> Picture:
        """Return what the container `name` loaded in the last `span` (one of `SPANS`), as far as it is read.

        It is read when it is asked for first, and again with `anew`; what was read before is shown meanwhile.
        """
        key = (name, span)
        with self._lock:
            known = self._pictures.get(key)
            if known is not None and (known.running or not anew):
                return known
            begun = Picture(None if known is None else known.history)
            self._remember(self._pictures, key, begun)
            self._begin(lambda: self._read(key))
        return begun

    def lines(self, name: str, at: float) -> LinesNear:
        """Return the lines of a container's log around a moment, by the engine's clock as it was measured.

        Measured anew it may be some milliseconds off, and another line would be meant.
        """
        key = (name, at)
        with self._lock:
            known = self._lines.get(key)
            if known is None:
                known = LinesNear(_NOTHING, running=True)
                self._remember(self._lines, key, known)
                self._begin(lambda: self._fetch(key))
        return known

    def close(self) -> None:
        """End what is being read. Idempotent; blocks until the engine has been heard out, or some seconds."""
        self._closing.set()
        with self._lock:
            threads = self._threads
        for thread in threads:
            thread.join(_END_S)

    def _begin(self, work: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, name="load-history", daemon=True)
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _remember(kept: OrderedDict[_K, _V], key: _K, value: _V) -> None:
        kept[key] = value
        kept.move_to_end(key)
        while len(kept) > _MOST:
            kept.popitem(last=False)

    def _read(self, key: tuple[str, str]) -> None:
        name, span = key

        def tell(history: LoadHistory) -> None:
            self._put(key, Picture(history))

        try:
            with self._free, closing(self._open_engine()) as engine:
                found = read_history(
                    engine, name, SPANS[span], profile_of=self._profile_of, tell=tell,
                    stopped=self._closing.is_set,
                )  # fmt: skip
            self._put(key, Picture(found, running=False))
        except (EngineError, TargetSettingsError, UnknownProfile) as error:
            self._put(key, Picture(running=False, problem=str(error)))
        except Exception as error:  # noqa: BLE001 - whatever breaks, the page says so and waits no longer
            words = f"The console could not read it ({type(error).__name__}: {error})."
            self._put(key, Picture(running=False, problem=words))

    def _put(self, key: tuple[str, str], picture: Picture) -> None:
        with self._lock:
            if key in self._pictures:  # else nobody has asked for it for long
                self._pictures[key] = picture

    def _profile_of(self, container: ContainerFacts) -> Profile | str | None:
        """Return by which profile the log of a container is read: as its entry in targets.toml says."""
        if self._home is None:
            return None
        settings = target_settings(self._home)
        entry = settings.entry_for(container)
        return None if entry is None else named_profile(entry.profile, settings.own_profiles())

    def _fetch(self, key: tuple[str, float]) -> None:
        name, at = key
        try:
            with closing(self._open_engine()) as engine:
                fetched = LinesNear(_lines_near(engine, name, at))
        except EngineError as error:
            fetched = LinesNear(_NOTHING, problem=str(error))
        with self._lock:
            if key in self._lines:
                self._lines[key] = fetched


def _lines_near(engine: Engine, name: str, at: float) -> MomentLines:
    """Read a few lines before and after a moment; farther around it where there are none close to it."""
    container = engine.container(name)
    found: list[LogLine] = []
    for reach in _NEAR_S:
        before: list[LogLine] = []
        after: list[LogLine] = []
        lines = read_lines(engine, container, since=at - reach, until=at + reach, engine_time=True)
        with closing(lines):  # type: ignore[type-var]  # it is a generator
            for line in lines:
                if line.time < at:
                    before = [*before[-BEFORE:], line]
                else:
                    after.append(line)
                    if len(after) > AFTER:
                        break
        found = [*before, *after]
        if before and after:
            break
    return nearest(found, lambda line: abs(line.time - at))
