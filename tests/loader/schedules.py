"""Explores every schedule of a program of a few threads.

A stateless search with dynamic partial-order reduction (source sets and sleep sets: Abdulla, Aronis, Jonsson
and Sagonas, 2014): after each run, for any two operations of different threads that depend on each other and
that nothing else puts in order, the other order is tried too. Schedules that differ in the order of
independent operations only are the same to everybody, and one of them is run. There is no bound on
preemptions. `test_schedules.py` compares it with counting, and with what chance finds.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.loader.controlled_threads import AFTERWARDS, ControlledRun, Name, Operation

__all__ = ["Exploration", "Program", "explore", "sample"]

Program = Callable[[], tuple[list[Callable[[], object]], Callable[[], object]]]
"""Makes what is under test; returns the threads' bodies and what is done and asserted after them."""


@dataclass(frozen=True)
class Exploration:
    """What came of it.

    Attributes:
        schedules: how many different ones were run to their end.
        longest: operations in the longest of them.
        complete: there is no other schedule; false when one failed or the limit was reached.
        failure: what went wrong, in which order; None when every schedule was right.
    """

    schedules: int
    longest: int
    complete: bool
    failure: str | None


@dataclass
class _Choice:
    """A moment of a run: what could be done next, and what is still to be tried."""

    enabled: dict[Name, Operation]
    asleep: dict[Name, Operation]  # tried at an earlier moment, and nothing has happened since that matters
    chosen: Name
    tried: set[Name] = field(default_factory=set)
    to_try: set[Name] = field(default_factory=set)

    @property
    def operation(self) -> Operation:
        return self.enabled[self.chosen]

    def next_asleep(self) -> dict[Name, Operation]:
        known = self.asleep | {name: self.enabled[name] for name in self.tried}
        return {name: each for name, each in known.items() if not each.depends_on(self.operation)}


class _Search:
    """The path to the run that is on, and the choices along it."""

    def __init__(self) -> None:
        self.path: list[_Choice] = []
        self.taken = 0
        self.redundant = False

    def choose(self, enabled: Mapping[Name, Operation]) -> Name:
        if self.redundant:
            return next(iter(enabled))
        if self.taken == len(self.path):
            last = self.path[-1] if self.path else None
            asleep = last.next_asleep() if last is not None else {}
            awake = [name for name in enabled if name not in asleep]
            if not awake:  # every way on from here has been seen on another path
                self.redundant = True
                return next(iter(enabled))
            name = last.chosen if last is not None and last.chosen in awake else awake[0]
            self.path.append(_Choice(dict(enabled), asleep, name))
        choice = self.path[self.taken]
        if choice.enabled != enabled:
            raise RuntimeError(f"the program is not deterministic: {choice.enabled} became {dict(enabled)}")
        self.taken += 1
        return choice.chosen

    def learn(self) -> None:
        """Find what else could have been done at the moments of the run that has ended."""
        clocks = _Clocks()
        for index, choice in enumerate(self.path):
            self._race(index, choice.chosen, choice.operation, clocks)
            clocks.step(choice.chosen, choice.operation)

    def told(self) -> str:
        """The schedule in words."""
        return "; ".join(
            f"{'.'.join(map(str, choice.chosen))} {choice.operation.kind} "
            f"{'.'.join(map(str, choice.operation.on))}"
            for choice in self.path[: self.taken]
        )

    def _race(self, index: int, name: Name, operation: Operation, clocks: _Clocks) -> None:
        now = clocks.before(name, operation)
        for earlier in clocks.unordered_before(name, operation):
            # What could have been done without the earlier operation; whoever can begin that is worth a try
            without = [k for k in range(earlier + 1, index) if not clocks.covers(clocks.after(k), earlier)]
            beginners = {
                self.path[k].chosen
                for at, k in enumerate(without)
                if not any(clocks.covers(clocks.after(k), other) for other in without[:at])
            }
            if not any(clocks.covers(now, other) for other in without):
                beginners.add(name)
            choice = self.path[earlier]
            if not beginners & {*choice.to_try, *choice.tried, choice.chosen}:
                choice.to_try.add(min(beginners, key=str))

    def turn_back(self) -> bool:
        """Go back to the last moment with something left to try; False when there is none."""
        while self.path:
            choice = self.path[-1]
            choice.tried.add(choice.chosen)
            left = choice.to_try - choice.tried - set(choice.asleep)
            if left:
                choice.chosen = min(left, key=str)
                self.taken, self.redundant = 0, False
                return True
            self.path.pop()
        return False


Clock = dict[Name, int]


class _Clocks:
    """Which operation comes before which, whatever the schedule: Lamport's order, as vector clocks."""

    def __init__(self) -> None:
        self._own: dict[Name, Clock] = {}
        self._after: list[tuple[Name, int, Operation, Clock]] = []
        self._on: defaultdict[Name, list[int]] = defaultdict(list)

    def step(self, name: Name, operation: Operation) -> None:
        clock = self.before(name, operation)
        clock[name] = clock.get(name, 0) + 1
        self._own[name] = clock
        self._on[operation.on].append(len(self._after))
        self._after.append((name, clock[name], operation, clock))

    def before(self, name: Name, operation: Operation) -> Clock:
        """What comes before `operation` of the thread `name` in every schedule like this one."""
        clock = dict(self._own.get(name, {}))
        for index in self._on[operation.on]:
            _, _, each, after = self._after[index]
            if each.depends_on(operation):
                _join(clock, after)
        if operation == AFTERWARDS:  # begun when all others had ended
            for own in self._own.values():
                _join(clock, own)
        return clock

    def after(self, index: int) -> Clock:
        return self._after[index][3]

    def covers(self, clock: Clock, index: int) -> bool:
        name, count, _, _ = self._after[index]
        return clock.get(name, 0) >= count

    def unordered_before(self, name: Name, operation: Operation) -> Iterator[int]:
        clock = self._own.get(name, {})
        for index in self._on[operation.on]:
            other, _, each, _ = self._after[index]
            if (
                other != name
                and each.depends_on(operation)
                and each.may_meet(operation)
                and not self.covers(clock, index)
            ):
                yield index


def _join(clock: Clock, other: Clock) -> None:
    for name, count in other.items():
        clock[name] = max(count, clock.get(name, 0))


def explore(program: Program, *, limit: int = 100_000) -> Exploration:
    """Run every schedule of `program`, up to the order of independent operations, until one fails."""
    search = _Search()
    schedules = longest = 0
    while True:
        run = ControlledRun(search.choose)
        run.play(program)
        if not search.redundant:
            schedules += 1
            longest = max(longest, search.taken)
        if run.failure is not None:
            return Exploration(schedules, longest, False, f"{run.failure}\nafter: {search.told()}")
        search.learn()
        if schedules >= limit:
            return Exploration(schedules, longest, False, None)
        if not search.turn_back():
            return Exploration(schedules, longest, True, None)


def sample(
    program: Program, count: int, draw: random.Random, *, bytecodes_of: tuple[str, ...] = ()
) -> Exploration:
    """Run `count` schedules of `program` that are drawn by chance, until one fails.

    A thread goes on for a while before another one is drawn: of schedules that switch all the time, nearly
    all are alike.
    """
    for number in range(count):
        last: list[Name] = []
        pace = draw.choice([0.0, 0.5, 0.9, 0.98])

        def choose(enabled: Mapping[Name, Operation], last: list[Name] = last, pace: float = pace) -> Name:
            if not (last and last[0] in enabled and draw.random() < pace):
                last[:] = [draw.choice(list(enabled))]
            return last[0]

        run = ControlledRun(choose, bytecodes_of=bytecodes_of)
        run.play(program)
        if run.failure is not None:
            return Exploration(number + 1, 0, False, run.failure)
    return Exploration(count, 0, False, None)
