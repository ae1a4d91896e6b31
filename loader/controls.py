"""The loader done wrong, on purpose: what a trial compares the right one with.

Each of these is a way that services are really written. They run the same real load; what goes wrong is what
transformers does when loads overlap. None is ever the default, and each logs a warning.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

from loader.attempt import Attempt, Loaded, Recorder
from loader.events import EventKind
from loader.journal import JOURNAL, Journal
from loader.once import OnceLoader, State
from loader.settings import Guard

__all__ = ["ModelSource", "NoSecondCheck", "PerModel", "Unguarded", "source_for"]

T = TypeVar("T")
_LOG: Final = logging.getLogger("loader")


class ModelSource(Protocol[T]):
    """What the worker gets its model from. Threading: any thread."""

    @property
    def state(self) -> State:
        """What is going on now."""

    @property
    def counts(self) -> Mapping[EventKind, int]:
        """How many events of each kind there have been."""

    def acquire(self, timeout: float | None = None) -> Loaded[T]:
        """Return the model, loaded first if need be. Blocks."""


class Unguarded(Generic[T]):
    """Looks whether the model is there, and loads it if not: right with one thread, wrong with two.

    As in a service that keeps its model in a global: every thread that looks before the first load has ended
    starts a load of its own, and the last one to end leaves its model.
    """

    def __init__(self, load: Callable[[], T], *, name: str, began: str, journal: Journal = JOURNAL) -> None:
        self._load = load
        self._recorder = Recorder(name, journal, None, began)
        self._loaded: Loaded[T] | None = None
        self._lock = threading.Lock()  # guards the number of loads under way, which only `state` reads
        self._under_way = 0
        self._failed = False

    @property
    def state(self) -> State:
        """See `ModelSource`."""
        if self._under_way:
            return "loading"
        return "ready" if self._loaded is not None else "failed" if self._failed else "idle"

    @property
    def counts(self) -> Mapping[EventKind, int]:
        """See `ModelSource`."""
        return self._recorder.counts

    def acquire(self, timeout: float | None = None) -> Loaded[T]:
        """See `ModelSource`. A timeout has no effect: the caller itself loads."""
        loaded = self._loaded
        if loaded is not None:
            return loaded
        self._recorder.tell("requested", "Model requested")
        return self._run()

    def _run(self) -> Loaded[T]:
        with self._lock:
            self._under_way += 1
        attempt = Attempt(self._recorder, 1, None)
        made: list[Loaded[T]] = []

        def publish(value: T) -> None:
            made.append(
                Loaded(value, self._recorder.model, attempt.boot, attempt.load_id, 1, attempt.seconds)
            )
            self._loaded = made[0]

        try:
            attempt.run(self._load, publish)
        except BaseException:
            self._failed = True
            raise
        finally:
            with self._lock:
                self._under_way -= 1
        return made[0]


class NoSecondCheck(Unguarded[T]):
    """Has a lock, but does not look again once it holds it: the threads load one after the other."""

    def __init__(self, load: Callable[[], T], *, name: str, began: str, journal: Journal = JOURNAL) -> None:
        super().__init__(load, name=name, began=began, journal=journal)
        self._turn = threading.Lock()  # guards the load, and that alone is not enough

    def acquire(self, timeout: float | None = None) -> Loaded[T]:
        """See `ModelSource`."""
        loaded = self._loaded
        if loaded is not None:
            return loaded
        self._recorder.tell("requested", "Model requested")
        if self._turn.locked():
            self._recorder.tell("waiting", "Waiting for the lock")
        with self._turn:
            return self._run()


class PerModel(Generic[T]):
    """Two models with a correct lock each, and no gate for both: each load breaks the other's.

    Callers get them in turn. Both are loaded from the same checkpoint, under names of their own.
    """

    def __init__(self, load: Callable[[], T], *, name: str, began: str, journal: Journal = JOURNAL) -> None:
        self._loaders = tuple(
            OnceLoader(load, name=f"{name}#{number}", gate=None, began=began, journal=journal)
            for number in (1, 2)
        )
        self._turn = itertools.cycle(self._loaders)
        self._lock = threading.Lock()  # guards the turn: an iterator must not be advanced by two at once

    @property
    def state(self) -> State:
        """See `ModelSource`; `ready` when both are."""
        states = {loader.state for loader in self._loaders}
        order: tuple[State, ...] = ("loading", "failed", "idle", "ready")
        return next(state for state in order if state in states)

    @property
    def counts(self) -> Mapping[EventKind, int]:
        """See `ModelSource`; of both together."""
        both: dict[EventKind, int] = {}
        for loader in self._loaders:
            for kind, count in loader.counts.items():
                both[kind] = both.get(kind, 0) + count
        return both

    def acquire(self, timeout: float | None = None) -> Loaded[T]:
        """See `ModelSource`."""
        with self._lock:
            loader = next(self._turn)
        return loader.acquire(timeout)


def source_for(guard: Guard, load: Callable[[], T], *, name: str, began: str) -> ModelSource[T]:
    """Return the source for a guard mode: an `OnceLoader`, or one of those above with a warning."""
    if guard == "on":
        return OnceLoader(load, name=name, began=began)
    _LOG.warning(
        "LOADONCE_GUARD=%s: this loader is wrong on purpose, for comparison. Unset it in a real service.",
        guard,
    )
    if guard == "per-model":
        return PerModel(load, name=name, began=began)
    kind = Unguarded if guard == "off" else NoSecondCheck
    return kind(load, name=name, began=began)
