"""Threads of which one runs at a time, and which one is somebody's choice at every step that others can see.

    body ──about to: acquire, read, …──> ControlledRun ──asks──> choose(enabled) ──> that thread goes on

Each thread is a real one. It stops before each operation on something shared (a lock, a wait, an attribute of
a watched class) and goes on when it is chosen; between two operations it runs as it likes, because nobody can
see what it does there. A wait with a timeout may end by it at any moment: time is a choice too.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NamedTuple

__all__ = [
    "AFTERWARDS",
    "ControlledRun",
    "Name",
    "Operation",
    "begin",
    "is_controlled",
    "me",
    "new_name",
    "stop_before",
]

Name = tuple[Any, ...]  # (who made it, how many it had made before): the same in each run with the same past
HANGS_S = 60.0
ENDLESS = 20_000  # steps; the longest program has some hundreds, and some thousands by bytecodes


class Operation(NamedTuple):
    """What a thread is about to do: start, begin, read, write, acquire, release, notify, wait, poll, step."""

    kind: str
    on: Name

    def depends_on(self, other: Operation) -> bool:
        """Tell whether it matters which of the two comes first."""
        return self.on == other.on and not {self.kind, other.kind} <= {"read", "wait", "poll"}

    def may_meet(self, other: Operation) -> bool:
        """Tell whether a moment can come at which both are possible: otherwise there is no choice."""
        kinds = {self.kind, other.kind}
        return "release" not in kinds and "begin" not in kinds and kinds != {"notify", "wait"}


AFTERWARDS = Operation("begin", ("afterwards",))


class Abandoned(BaseException):
    """Ends a thread of a run that is over."""


class Worker:
    """One thread of a run. `waits_on` tells whether it can go on; None means that it always can."""

    def __init__(self, run: ControlledRun, name: Name, body: Callable[[], object]) -> None:
        self.name, self.made, self.turns = name, 0, _thread.allocate_lock()
        self.pending = Operation("begin", name)
        self.waits_on: Callable[[], bool] | None = None
        self.run, self._body = run, body
        self.turns.acquire()
        run.workers[name] = self
        run.outside.append(threading.Thread(target=self._live, daemon=True))
        run.outside[-1].start()

    def _live(self) -> None:
        _HERE.worker = self
        try:
            self.turns.acquire()
            if not self.run.over:
                if self.run.bytecodes_of:
                    sys.settrace(self._watch)
                self._body()
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, the exploration reports it
            self.run.fail(f"{type(error).__name__} in thread {self.name}: {error}")
        sys.settrace(None)
        self.run.leave(self)

    def _watch(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename not in self.run.bytecodes_of:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.run.stop_before(self, Operation("step", self.name), None)
        return self._watch


class ControlledRun:
    """One run of a program. `choose` is told what each thread that can go on will do next, and names one.

    Threads also stop before each bytecode of the files in `bytecodes_of`.
    """

    def __init__(
        self, choose: Callable[[Mapping[Name, Operation]], Name], *, bytecodes_of: tuple[str, ...] = ()
    ) -> None:
        self.workers: dict[Name, Worker] = {}
        self.outside: list[threading.Thread] = []
        self.failure: str | None = None
        self.blocked: dict[Name, Operation] = {}
        self.over = False
        self.bytecodes_of = bytecodes_of
        self._choose, self._made, self._steps = choose, 0, 0
        self._ended = _thread.allocate_lock()
        self._ended.acquire()
        self._then: list[Callable[[], object]] = []

    def play(self, make: Callable[[], tuple[list[Callable[[], object]], Callable[[], object]]]) -> None:
        """Run the threads that `make` returns, and when all have ended its last part on one more thread."""
        _HERE.run = self
        try:
            bodies, last = make()
            self._then = [last]
            for body in bodies:
                Worker(self, self.next_name(), body)
            self._hand_on(None)
            if not self._ended.acquire(timeout=HANGS_S):
                raise RuntimeError("a controlled thread waits for something that is not controlled")
        finally:
            _HERE.run = None
        for thread in self.outside:
            thread.join(HANGS_S)

    def next_name(self) -> Name:
        """Return a name for what the calling thread makes now."""
        worker = getattr(_HERE, "worker", None)
        owner = self if worker is None else worker
        if owner is self:
            self._made += 1
            return (self._made,)
        owner.made += 1
        return (*owner.name, owner.made)

    def fail(self, what: str) -> None:
        """Remember what went wrong first, and end the run."""
        if not self.over:
            self.failure, self.over = what, True

    def leave(self, worker: Worker) -> None:
        """A thread has ended: let another go on."""
        del self.workers[worker.name]
        self._hand_on(None)

    def stop_before(self, worker: Worker, operation: Operation, waits_on: Callable[[], bool] | None) -> None:
        """Hand the turn on, and come back when this thread is chosen to do `operation`."""
        if self.over:
            raise Abandoned
        worker.pending, worker.waits_on = operation, waits_on
        self._hand_on(worker)
        if self.over:
            raise Abandoned

    def _hand_on(self, worker: Worker | None) -> None:
        if not self.workers and self._then and not self.over:
            Worker(self, AFTERWARDS.on, self._then.pop())
        chosen = self._next()
        if chosen is None:
            self._ended.release()
        elif chosen is not worker:
            chosen.turns.release()
        if worker is not None and chosen is not worker:
            worker.turns.acquire()

    def _next(self) -> Worker | None:
        self._steps += 1
        if self._steps > ENDLESS:
            self.fail(f"livelock: no end after {ENDLESS} steps")
        enabled = {
            name: worker.pending
            for name, worker in self.workers.items()
            if worker.waits_on is None or worker.waits_on()
        }
        if not enabled and self.workers and not self.over:
            self.blocked = {name: worker.pending for name, worker in self.workers.items()}
            said = ", ".join(f"{name} to {each.kind} {each.on}" for name, each in self.blocked.items())
            self.fail(f"deadlock: every thread waits ({said})")
        if self.over:
            return next(iter(self.workers.values()), None)
        return self.workers[self._choose(enabled)] if enabled else None


class _Here(threading.local):
    run: ControlledRun | None = None
    worker: Worker | None = None


_HERE = _Here()


def me() -> object:
    """Return who is asking: a controlled thread, or whoever makes the program."""
    return _HERE.worker or _HERE


def is_controlled() -> bool:
    """Tell whether the calling thread is one of a run's."""
    return _HERE.worker is not None


def new_name() -> Name:
    """Return a name for what is made now."""
    if _HERE.worker is not None:
        return _HERE.worker.run.next_name()
    assert _HERE.run is not None, "made outside a controlled run"
    return _HERE.run.next_name()


def stop_before(kind: str, on: Name, waits_on: Callable[[], bool] | None = None) -> None:
    """Let others go on until this thread is chosen to do this to that; it can when `waits_on` is true."""
    if _HERE.worker is not None:  # else the program is being made
        _HERE.worker.run.stop_before(_HERE.worker, Operation(kind, on), waits_on)


def begin(body: Callable[[], object]) -> None:
    """Begin another controlled thread from this one."""
    assert _HERE.worker is not None, "only a controlled thread begins another"
    run = _HERE.worker.run
    name = run.next_name()
    stop_before("start", name)
    Worker(run, name, body)
