"""OnceLoader: what is expensive to load is loaded exactly once in a process, however many threads ask.

get() ──ready?── yes ──> the value                        one attribute read, no lock
         │ no
         └─> join the attempt under way, or begin one ──> wait ──> the value, or that attempt's error
                                             │
                              a thread of its own: gate, load, verify, publish
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any, Final, Generic, Literal, TypeVar

from loader.attempt import Attempt, Listener, Loaded, Recorder
from loader.errors import ForkedAfterCuda, LoadTimeout, RecursiveLoad
from loader.events import EventKind
from loader.gate import PROCESS_GATE, Gate, Tenant
from loader.journal import JOURNAL, Journal
from loader.shared_attempt import Failure, SharedAttempt
from loader.verification import holds_cuda

__all__ = ["OnceLoader", "State"]

T = TypeVar("T")
State = Literal["idle", "loading", "ready", "failed"]


class OnceLoader(Generic[T]):
    """Loads a value at the first call of `get()`, once, and gives that object to every caller.

    Args:
        load: makes the value. It runs on a thread of its own, in a copy of the context variables of the
            caller that began it, holding `gate`. It may ask other loaders for their values.
        name: hub id, folder or name of the model; `model=` in its events.
        gate: what loads of this kind hold; None for a load that touches neither torch nor transformers.
        on_event: is also told each event. Called on the thread it happened on, with no lock held.
        journal: numbers, keeps and prints the events.
        began: phrase of the `started` event.
        cool_down: seconds before another attempt after the first failure; doubled by each further one.
        longest_cool_down: the ceiling of that, in seconds.
        clock: monotonic seconds, for the cool-down.

    Threading: every method may be called from any thread and any event loop. Nothing is ever cancelled: a
    load that has begun runs to its end.
    """

    # There is such an attribute only while the value is ready: the ready path is one read without a
    # comparison, and a value of None is a value.
    _value: T

    def __init__(
        self,
        load: Callable[[], T],
        *,
        name: str,
        gate: Gate | None = PROCESS_GATE,
        on_event: Listener | None = None,
        journal: Journal = JOURNAL,
        began: str | None = None,
        cool_down: float = 1.0,
        longest_cool_down: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._gate, self._clock = load, gate, clock
        self._recorder = Recorder(name, journal, on_event, began or f"Loading model {name}")
        self._cool_down, self._longest_cool_down = cool_down, longest_cool_down
        self._loaded: Loaded[T] | None = None
        self._shared: SharedAttempt[T] | None = None
        self._generation = 1
        self._failures = 0
        self._failure: Failure | None = None
        self._retry_at = 0.0
        self._lost_cuda = False
        self._lock = threading.Lock()
        _LOADERS.add(self)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._recorder.model

    @property
    def state(self) -> State:
        """What the loader is doing now."""
        if self._loaded is not None:
            return "ready"
        if self._shared is not None:
            return "loading"
        return "failed" if self._failure is not None else "idle"

    @property
    def counts(self) -> Mapping[EventKind, int]:
        """How many events of each kind there have been. Calls that found the model ready are not counted."""
        return self._recorder.counts

    @property
    def generation(self) -> int:
        """1, and one more after each `unload()`."""
        return self._generation

    @property
    def error(self) -> BaseException | None:
        """What the last attempt failed with; None once one has succeeded."""
        failure = self._failure
        return None if failure is None else failure.error

    def get(self, timeout: float | None = None) -> T:
        """Return the value, and load it first if nobody has.

        Blocks until the attempt under way has ended, at most `timeout` seconds. When the value is ready this
        reads one attribute and takes no lock.

        Raises:
            LoadTimeout: not ready in time. The load goes on.
            RecursiveLoad: called by the very load that it would wait for.
            ForkedAfterCuda: the parent process holds the value on a GPU.
            Exception: what the attempt failed with; every waiter of one attempt gets the same error, and so
                does every caller until the cool-down is over.
        """
        try:
            return self._value
        except AttributeError:
            pass  # and leave the handler: what the load raises has nothing to do with this error
        return self.acquire(timeout).value

    def acquire(self, timeout: float | None = None) -> Loaded[T]:
        """As `get()`, and tell which load the value came from."""
        loaded = self._loaded
        if loaded is not None:
            return loaded
        deadline = None if timeout is None else time.monotonic() + timeout
        met = self._join()
        if isinstance(met, Loaded):
            return met
        self._wait_out(met, deadline)
        return met.outcome()

    async def aget(self, timeout: float | None = None) -> T:  # noqa: ASYNC109 - names the loading thread
        """As `get()`, from an event loop, which goes on meanwhile. A cancelled task leaves the load alone."""
        try:
            return self._value
        except AttributeError:
            pass
        return (await self.aacquire(timeout)).value

    async def aacquire(self, timeout: float | None = None) -> Loaded[T]:  # noqa: ASYNC109 - as aget()
        """As `aget()`, and tell which load the value came from."""
        loaded = self._loaded
        if loaded is not None:
            return loaded
        if Tenant.current() is not None:
            # Inside another load gates are lent and taken back, which may block: not on the loop's thread.
            return await asyncio.to_thread(self.acquire, timeout)
        met = self._join()
        if isinstance(met, Loaded):
            return met
        ended = asyncio.wrap_future(met.ended)  # each loop has its own; none can cancel the load
        try:
            await asyncio.wait({ended}, timeout=timeout)
        finally:
            ended.cancel()
        if not met.ended.done():
            raise self._timeout(met.attempt)
        return met.outcome()

    def peek(self) -> T | None:
        """Return the value if it is ready, else None. Never loads, never blocks."""
        return getattr(self, "_value", None)

    def unload(self, timeout: float | None = None) -> bool:
        """Give the value up; the next `get()` loads again, as a new generation. Tell whether there was one.

        A load under way is waited for first, at most `timeout` seconds. Callers that hold the value keep it;
        memory is freed when the last of them lets go.

        Raises:
            LoadTimeout: a load was still under way.
            RecursiveLoad: called by that load.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                shared, loaded = self._shared, self._loaded
                if shared is None:
                    # Unpublished before it is forgotten, and both under the lock that publishing takes
                    self._unpublish()
                    if loaded is not None:
                        self._generation += 1
                    break
            self._wait_out(shared, deadline)
        if loaded is not None:
            self._recorder.tell("released", "Model released", loaded.load_id, generation=loaded.generation)
        return loaded is not None

    def reset(self, timeout: float | None = None) -> bool:
        """As `unload()`, and forget earlier failures with their cool-down."""
        released = self.unload(timeout)
        with self._lock:
            self._failure, self._failures, self._retry_at, self._lost_cuda = None, 0, 0.0, False
        return released

    def _join(self) -> Loaded[T] | SharedAttempt[T]:
        """Return the value if it has come meanwhile, else the attempt to wait for, begun if there was none.

        The lock guards one thing: who begins the next attempt. Under it lie the second check, the decision
        and the entry of the new attempt, a few microseconds in all; nobody holds it while loading, so that a
        caller with a timeout, an event loop and `unload()` are never stuck behind a load.

        Why the second check: between the first, which is without a lock, and the lock, another thread may
        have published the value or entered an attempt. Without it, each thread that was waiting for the lock
        would begin a load of its own, one after the other.

        What each path costs: ready, one attribute read and not even this function; a load under way, two
        events and a wait; none, that and a new thread.
        """
        self._recorder.tell("requested", "Model requested")
        begun: SharedAttempt[T] | None = None
        with self._lock:
            if self._loaded is not None:
                return self._loaded
            if self._lost_cuda:
                raise ForkedAfterCuda(
                    f"{self.name} is on a GPU in process {os.getppid()}, from which this one was forked, and "
                    "CUDA cannot be used here. Start workers with the spawn method, or load after the fork."
                )
            shared = self._shared
            if shared is None:
                if self._failure is not None and self._clock() < self._retry_at:
                    self._failure.throw()
                shared = begun = self._shared = SharedAttempt(
                    Attempt(self._recorder, self._failures + 1, self._gate)
                )
        if begun is not None:
            self._begin(begun)
        elif shared.attempt.tenant is Tenant.current():
            raise RecursiveLoad(
                f"The load of {self.name} asked for {self.name} itself and would wait for ever. "
                "Let the load function build the value without calling its own loader."
            )
        else:
            self._recorder.tell("waiting", "Waiting for the load under way", shared.attempt.load_id)
        return shared

    def _begin(self, shared: SharedAttempt[T]) -> None:
        context = copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._run, shared), name=f"load-{shared.attempt.load_id}", daemon=True
        )
        shared.attempt.thread = thread.name
        try:
            thread.start()
        except BaseException as error:  # no more threads, or no memory for one: nobody must wait for it
            self._fail(shared, error)
            raise

    def _run(self, shared: SharedAttempt[T]) -> None:
        attempt = shared.attempt

        def publish(value: T) -> None:
            shared.loaded = Loaded(
                value, self.name, attempt.boot, attempt.load_id, self._generation, attempt.seconds
            )
            with self._lock:
                self._failure, self._failures = None, 0
                self._loaded = shared.loaded
                self._value = value  # last: this is what makes it visible to get()

        try:
            attempt.run(self._load, publish)
        except BaseException as error:  # noqa: BLE001 - it is the waiters' error, whatever it is
            self._fail(shared, error)
            return
        with self._lock:
            self._shared = None
        shared.ended.set_result(None)

    def _fail(self, shared: SharedAttempt[T], error: BaseException) -> None:
        failure = Failure(error)  # before the lock: it may run the clean-up of what the load had begun
        with self._lock:
            self._failures += 1
            pause = min(self._cool_down * 2 ** min(self._failures - 1, 32), self._longest_cool_down)
            error.add_note(
                f"Load {shared.attempt.load_id} of {self.name} failed; another may begin after {pause:g} s."
            )
            shared.failure = self._failure = failure
            self._retry_at, self._shared = self._clock() + pause, None
        shared.ended.set_result(None)

    def _wait_out(self, shared: SharedAttempt[T], deadline: float | None) -> None:
        tenant = Tenant.current()
        with tenant.waiting_for(shared.attempt.tenant) if tenant is not None else nullcontext():
            try:
                shared.ended.result(None if deadline is None else max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise self._timeout(shared.attempt) from None

    def _timeout(self, attempt: Attempt) -> LoadTimeout:
        return LoadTimeout(self.name, attempt.thread, attempt.elapsed())

    def _unpublish(self) -> None:
        self.__dict__.pop("_value", None)
        self._loaded = None

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._recorder.forget()
        self._shared = None  # its thread was not forked
        if self._loaded is None:
            self._unpublish()
        elif holds_cuda(self._loaded.value):
            self._unpublish()
            self._lost_cuda = True
        else:
            self._value = self._loaded.value  # the fork may have come between the two steps of publishing


_LOADERS: Final = weakref.WeakSet[OnceLoader[Any]]()


def _after_fork() -> None:
    for loader in list(_LOADERS):
        loader._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
