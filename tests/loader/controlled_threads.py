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
from typing import Any, NamedTuple, TypeVar

__all__ = [
    "AFTERWARDS",
    "Condition",
    "ControlledRun",
    "Future",
    "Lock",
    "Operation",
    "SharedDict",
    "Thread",
    "watched",
]

C = TypeVar("C", bound=type)
Name = tuple[Any, ...]  # (who made it, how many it had made before): the same in each run with the same past
HANGS_S = 60.0


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
        self._run, self._body = run, body
        self.turns.acquire()
        run.workers[name] = self
        run.outside.append(threading.Thread(target=self._live, daemon=True))
        run.outside[-1].start()

    def _live(self) -> None:
        _HERE.worker = self
        try:
            self.turns.acquire()
            if not self._run.over:
                if self._run.bytecodes_of:
                    sys.settrace(self._watch)
                self._body()
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, the exploration reports it
            self._run.fail(f"{type(error).__name__} in thread {self.name}: {error}")
        sys.settrace(None)
        self._run.leave(self)

    def _watch(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename not in self._run.bytecodes_of:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self._run.stop_before(self, Operation("step", self.name), None)
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
        self._choose, self._made = choose, 0
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


def _name() -> Name:
    if _HERE.worker is not None:
        return _HERE.worker._run.next_name()
    assert _HERE.run is not None, "made outside a controlled run"
    return _HERE.run.next_name()


def _stop_before(kind: str, on: Name, waits_on: Callable[[], bool] | None = None) -> None:
    if _HERE.worker is not None:  # else the program is being made, or looked at afterwards
        _HERE.worker._run.stop_before(_HERE.worker, Operation(kind, on), waits_on)


class Lock:
    """Stands in for `threading.Lock`, and with `reentrant` for `RLock`."""

    def __init__(self, *, reentrant: bool = False) -> None:
        self._name, self._reentrant = _name(), reentrant
        self._holder: object = None
        self._depth = 0

    def acquire(self) -> bool:
        me = _HERE.worker or _HERE
        if not (self._reentrant and self._holder is me):
            _stop_before("acquire", self._name, lambda: self._holder is None)
        self._holder, self._depth = me, self._depth + 1
        return True

    def release(self) -> None:
        if self._depth == 1:
            _stop_before("release", self._name)
            self._holder = None
        self._depth -= 1

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Condition:
    """Stands in for `threading.Condition`."""

    def __init__(self) -> None:
        self._lock = Lock(reentrant=True)
        self._waiters: list[_Waiter] = []

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        waiter = _Waiter(_name())
        self._waiters.append(waiter)
        self._lock.release()
        if timeout is None:
            _stop_before("wait", waiter.name, lambda: waiter.notified)
        else:
            _stop_before("poll", waiter.name)  # as much later as it was chosen: in time, or too late
        notified = waiter.notified
        self._lock.acquire()
        if waiter in self._waiters:  # it came too late; the list is touched under the lock only
            self._waiters.remove(waiter)
        return notified

    def wait_for(self, predicate: Callable[[], bool]) -> bool:
        while not predicate():
            self.wait()
        return True

    def notify_all(self) -> None:
        while self._waiters:
            _stop_before("notify", self._waiters[0].name)
            self._waiters.pop(0).notified = True


class _Waiter:
    def __init__(self, name: Name) -> None:
        self.name, self.notified = name, False


class Future:
    """Stands in for `concurrent.futures.Future`, as far as threads use it to wait for an end."""

    def __init__(self) -> None:
        self._name, self._done = _name(), False

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def set_result(self, _: object) -> None:
        _stop_before("notify", self._name)
        assert not self._done, "an attempt ended twice"
        self._done = True

    def result(self, timeout: float | None = None) -> None:
        if timeout is None:
            _stop_before("wait", self._name, lambda: self._done)
        else:
            _stop_before("poll", self._name)
            if not self._done:
                raise TimeoutError


class SharedDict(dict[Any, Any]):
    """A dictionary whose entries are read and written in view of the other threads."""

    def __init__(self) -> None:
        super().__init__()
        self._name = _name()

    def get(self, key: Any, default: Any = None) -> Any:
        _stop_before("read", self._name)
        return super().get(key, default)

    def __setitem__(self, key: Any, value: Any) -> None:
        _stop_before("write", self._name)
        super().__setitem__(key, value)


class Thread:
    """Stands in for `threading.Thread`."""

    def __init__(
        self, *, target: Callable[..., object], args: tuple[Any, ...], name: str, daemon: bool
    ) -> None:
        self.name, self._body = name, lambda: target(*args)

    def start(self) -> None:
        assert _HERE.worker is not None, "only a controlled thread starts one"
        run = _HERE.worker._run
        name = run.next_name()
        _stop_before("start", name)
        Worker(run, name, self._body)


def watched(cls: C, *attributes: str) -> C:
    """Return a subclass whose `attributes` are read and written in view of the other threads."""

    def stop(self: object, attribute: str, kind: str) -> None:
        if _HERE.worker is not None:
            own = object.__getattribute__(self, "__dict__")
            if "_controlled" not in own:
                own["_controlled"] = _name()
            if attribute == "__dict__":  # whoever takes the whole dictionary may change any of them
                attribute, kind = attributes[0], "write"
            _stop_before(kind, (*own["_controlled"], attribute))

    class Watched(cls):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            object.__getattribute__(self, "__dict__")["_controlled"] = _name()
            super().__init__(*arguments, **options)

        def __getattribute__(self, attribute: str) -> Any:
            if attribute in names:
                stop(self, attribute, "read")
            return super().__getattribute__(attribute)

        def __setattr__(self, attribute: str, value: Any) -> None:
            if attribute in names:
                stop(self, attribute, "write")
            super().__setattr__(attribute, value)

    names = {*attributes, "__dict__"}
    Watched.__name__ = Watched.__qualname__ = cls.__name__
    return Watched  # type: ignore[return-value]
