"""Small programs of threads that use one loader, and what must hold after every schedule of them.

The loader is the real one, its gate, attempt and journal too; the load is a stub. The stand-ins are
those of `stand_ins`: locks, conditions, the load's thread, and a view of each attribute that threads share.
The locks of the journal and of the counts stay as they are: nothing inside them is visible to another thread.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from loader import attempt, gate, once, shared_attempt
from loader.errors import LoadTimeout, RecursiveLoad
from loader.gate import Gate
from loader.journal import Journal
from loader.once import OnceLoader
from tests.loader.stand_ins import Condition, Future, Lock, Thread, watched

__all__ = ["Kind", "Trial", "put_under_control"]

Kind = type[OnceLoader[Any]]
Bodies = tuple[list[Callable[[], object]], Callable[[], object]]

SHARED = ("_value", "_loaded", "_shared", "_generation", "_failure", "_failures", "_retry_at", "_lost_cuda")


class Model:
    """What the stub loads. Nobody may see it before `verified` is true."""

    verified = False


class Shared:
    """What threads of a program share besides the loader: a clock, and how many loads are running."""

    now = 100.0
    running = 0


def put_under_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every lock, wait, thread and shared attribute of the loader be somebody's choice."""
    monkeypatch.setattr(once, "threading", SimpleNamespace(Lock=Lock, Thread=Thread))
    seen = watched(shared_attempt.SharedAttempt, "loaded", "failure", "ended")
    monkeypatch.setattr(once, "SharedAttempt", seen)
    monkeypatch.setattr(shared_attempt, "Future", Future)
    monkeypatch.setattr(gate, "_TURNS", None)  # each trial has its own
    monkeypatch.setattr(attempt, "pss_mb_of_load", lambda seconds: {})  # thousands of loads read no /proc
    real = attempt.verify_value

    def verify(value: object, model: str) -> None:
        real(value, model)
        value.verified = True  # type: ignore[attr-defined]

    monkeypatch.setattr(attempt, "verify_value", verify)


class Trial:
    """One run's loader and what its callers got.

    Args:
        kind: the loader's class: the real one, or one that is broken on purpose.
        fails: how many loads fail before one succeeds.
        name: of the model.
        beside: a trial whose gate, clock and journal this one shares.
    """

    def __init__(
        self, kind: Kind, *, fails: int = 0, name: str = "model", beside: Trial | None = None
    ) -> None:
        if beside is None:
            gate._TURNS = Condition()  # type: ignore[assignment]
        self.shared = watched(Shared, "now", "running")() if beside is None else beside.shared
        self.gate = Gate("trial") if beside is None else beside.gate
        self.journal = Journal(stream=lambda: None) if beside is None else beside.journal
        self.calls, self._fails = 0, fails
        self.values: list[object] = []
        self.errors: list[BaseException] = []
        self.asks: Callable[[], object] | None = None
        self.loader = watched(kind, *SHARED)(
            self.load, name=name, gate=self.gate, journal=self.journal, clock=lambda: self.shared.now
        )

    def load(self) -> object:
        """The stub: one model, or one error, for each call. What it asks for first, others may load."""
        self.calls += 1
        number = self.calls
        if self.asks is not None:
            self.asks()
        with self.running():
            if number <= self._fails:
                raise OSError(f"attempt {number} found no shard")
            return watched(Model, "verified")()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.shared.running += 1
        assert self.shared.running == 1, "two loads run at once"
        try:
            yield
        finally:
            self.shared.running -= 1

    # What a thread of a program does

    def get(self, timeout: float | None = None) -> None:
        try:
            value = self.loader.get(timeout)
        except (LoadTimeout, RecursiveLoad, OSError) as error:
            self.errors.append(error)
        else:
            assert value.verified, "get() gave a model that was not verified"
            self.values.append(value)

    def get_in_time(self) -> None:
        self.get(timeout=3600)  # whether it is enough is the schedule's choice

    def peek(self) -> None:
        value = self.loader.peek()
        assert value is None or value.verified, "peek() showed a model that was not verified"
        assert value is None or self.loader.state == "ready", "peek() showed a model before it was ready"

    def unload(self) -> None:
        self.loader.unload()

    def reset(self) -> None:
        self.loader.reset()

    def let_time_pass(self) -> None:
        self.shared.now += 3600

    # What must hold afterwards

    def check_one_load(self) -> None:
        assert self.calls == 1, f"loaded {self.calls} times"
        assert len({id(value) for value in self.values}) <= 1, "callers got different models"
        self.check_counts()

    def check_counts(self) -> None:
        """Each load is told once, with one end, and the loader rests."""
        assert self.loader.state != "loading", "an attempt is left over"
        counts = Counter(self.loader.counts)
        ended = counts["completed"] + counts["failed"]
        assert (counts["started"], ended) == (self.calls, self.calls), f"{self.calls} loads, told as {counts}"
        assert counts["waiting"] + counts["started"] <= counts["requested"]

    def check_generations(self) -> None:
        """In the journal no load begins before the one before it has failed, or its model was released."""
        held = 0
        for event in self.journal.since(0):
            held += {"started": 1, "failed": -1, "released": -1}.get(event.kind, 0)
            assert held in (0, 1), "two loads in one generation"
        assert self.loader.generation == 1 + self.loader.counts.get("released", 0)
        self.check_counts()


def gets(kind: Kind, threads: int) -> Bodies:
    """Everybody asks: one load, and its one model for all."""
    trial = Trial(kind)

    def afterwards() -> None:
        trial.check_one_load()
        assert len(trial.values) == threads
        assert trial.loader.peek() is trial.values[0]

    return [trial.get] * threads, afterwards


def gets_and_a_look(kind: Kind, threads: int) -> Bodies:
    """Somebody looks without asking: nothing, or the verified model."""
    trial = Trial(kind)
    return [*[trial.get] * (threads - 1), trial.peek], trial.check_one_load


def failing_gets(kind: Kind, threads: int) -> Bodies:
    """The load fails: its one error for all, also for who comes in the cool-down; then one new attempt."""
    trial = Trial(kind, fails=1)

    def afterwards() -> None:
        trial.check_one_load()
        trial.get()
        trial.check_one_load()
        assert len(trial.errors) == threads + 1
        assert len({id(error) for error in trial.errors}) == 1, "callers got different errors"
        trial.let_time_pass()
        trial.get()
        assert (trial.calls, len(trial.values)) == (2, 1)
        assert trial.loader.error is None, "an error outlives the success after it"
        trial.check_counts()

    return [trial.get] * threads, afterwards


def failing_gets_while_time_passes(kind: Kind, threads: int) -> Bodies:
    """The cool-down ends at any moment: the first attempt's error or the second one's model, no third."""
    trial = Trial(kind, fails=1)

    def afterwards() -> None:
        assert trial.calls in (1, 2), f"loaded {trial.calls} times"
        assert {str(error) for error in trial.errors} <= {"attempt 1 found no shard"}
        assert len({id(value) for value in trial.values}) <= 1
        assert (trial.calls == 2) == bool(trial.values)
        trial.check_counts()

    return [*[trial.get] * (threads - 1), trial.let_time_pass], afterwards


def gets_that_may_time_out(kind: Kind, threads: int) -> Bodies:
    """Some give up at any moment: the load goes on, and who asks later gets its model."""
    trial = Trial(kind)

    def afterwards() -> None:
        assert {type(error) for error in trial.errors} <= {LoadTimeout}
        trial.get()
        trial.check_one_load()

    return [trial.get, *[trial.get_in_time] * (threads - 1)], afterwards


def gets_and_an_unload(kind: Kind, threads: int) -> Bodies:
    """Somebody gives the model up at any moment: one load in each generation."""
    trial = Trial(kind)

    def afterwards() -> None:
        trial.get()
        assert len(trial.values) == threads
        assert trial.loader.peek() is trial.values[-1]
        trial.check_generations()

    return [*[trial.get] * (threads - 1), trial.unload], afterwards


def failing_gets_and_a_reset(kind: Kind, threads: int) -> Bodies:
    """Somebody forgets the failure at any moment: the error or a model, and no two loads at once."""
    trial = Trial(kind, fails=1)

    def afterwards() -> None:
        trial.reset()
        trial.get()
        assert len(trial.values) + len(trial.errors) == threads
        assert trial.values
        trial.check_generations()

    return [*[trial.get] * (threads - 1), trial.reset], afterwards


def loads_that_ask_for_themselves(kind: Kind, threads: int) -> Bodies:
    """The load asks its own loader: refused for everybody, and nobody waits for ever."""
    trial = Trial(kind)
    trial.asks = lambda: trial.loader.get()

    def afterwards() -> None:
        trial.check_one_load()
        assert [type(error) for error in trial.errors] == [RecursiveLoad] * threads

    return [trial.get] * threads, afterwards


def one_asks_for_the_other(kind: Kind, threads: int) -> Bodies:
    """A load asks for another model, as others do: one load of each, one at a time, no deadlock."""
    tower = Trial(kind, name="tower")
    llava = Trial(kind, name="llava", beside=tower)
    llava.asks = lambda: tower.loader.get()

    def afterwards() -> None:
        for trial in (tower, llava):
            trial.check_one_load()
            assert trial.errors == []

    return [llava.get, tower.get, llava.get][:threads], afterwards


def one_gives_up_on_the_other(kind: Kind, threads: int) -> Bodies:
    """A load that gives up waiting for another's model goes on alone, not beside the other's load."""
    tower = Trial(kind, name="tower")
    llava = Trial(kind, name="llava", beside=tower)

    def ask() -> None:
        with contextlib.suppress(LoadTimeout):
            tower.loader.get(timeout=3600)

    llava.asks = ask

    def afterwards() -> None:
        tower.get()
        for trial in (tower, llava):
            trial.check_one_load()
            assert trial.errors == []

    return [llava.get, tower.get, llava.get][:threads], afterwards


def each_asks_for_the_other(kind: Kind, threads: int) -> Bodies:
    """Two loads need each other: somebody is refused, and nobody waits for ever."""
    left = Trial(kind, name="left")
    right = Trial(kind, name="right", beside=left)
    left.asks, right.asks = lambda: right.loader.get(), lambda: left.loader.get()

    def afterwards() -> None:
        for trial in (left, right):
            assert trial.values == []
            assert {type(error) for error in trial.errors} == {RecursiveLoad}
            trial.check_counts()

    return [left.get, right.get, left.get][:threads], afterwards


PROGRAMS = [
    gets,
    gets_and_a_look,
    failing_gets,
    failing_gets_while_time_passes,
    gets_that_may_time_out,
    gets_and_an_unload,
    failing_gets_and_a_reset,
    loads_that_ask_for_themselves,
    one_asks_for_the_other,
    one_gives_up_on_the_other,
    each_asks_for_the_other,
]
