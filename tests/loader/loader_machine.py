"""OnceLoader beside a model of it: whatever is asked of both, in whatever order, they agree.

The load is a stub that ends when a rule lets it, well or badly; the clock of the cool-down is the test's.
Real threads, a real event loop and real forks ask.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loader.errors import LoadTimeout
from loader.gate import Gate
from loader.journal import Journal
from loader.once import OnceLoader
from tests.loader.crowd import DEADLINE_S

COOL_DOWN, LONGEST = 4.0, 10.0  # seconds of the test's clock


@dataclass
class Expected:
    """The oracle: what a loader with one thread and no locks would be."""

    state: str = "idle"
    value: object = None
    error: BaseException | None = None
    generation: int = 1
    failures: int = 0
    retry_at: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def tell(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def refuses(self, now: float) -> bool:
        return self.state == "failed" and now < self.retry_at

    def ask(self, now: float) -> None:
        """Somebody asks for what is not ready."""
        self.tell("requested")
        if self.state == "loading":
            self.tell("waiting")
        elif not self.refuses(now):
            self.state = "loading"

    def succeed(self, value: object) -> None:
        self.state, self.value, self.error, self.failures = "ready", value, None, 0
        self.tell("completed")

    def fail(self, error: BaseException, now: float) -> None:
        self.state, self.error, self.failures = "failed", error, self.failures + 1
        self.retry_at = now + min(COOL_DOWN * 2 ** (self.failures - 1), LONGEST)
        self.tell("failed")

    def unload(self) -> bool:
        had = self.state == "ready"
        if had:
            self.state, self.value, self.generation = "idle", None, self.generation + 1
            self.tell("released")
        return had

    def reset(self) -> bool:
        had = self.unload()
        self.state, self.error, self.failures, self.retry_at = "idle", None, 0, 0.0
        return had


class Stub:
    """One call of the load function: begun, and then waiting for its end."""

    def __init__(self) -> None:
        self.end: Future[object] = Future()


class LoaderMachine(RuleBasedStateMachine):
    kind: type[OnceLoader[Any]] = OnceLoader
    patience = DEADLINE_S  # seconds until something is taken for stuck

    def __init__(self) -> None:
        super().__init__()
        self.now, self.pid = 100.0, os.getpid()
        self.begun: list[Stub] = []
        self.pending: list[Future[Any]] = []
        self.tasks: list[Future[Any]] = []
        self.told = threading.Condition()
        self.expected = Expected()
        self.journal = Journal(stream=lambda: None)
        self.loader = self.kind(
            self.load,
            name="model",
            gate=Gate("machine"),
            journal=self.journal,
            on_event=self.hear,
            cool_down=COOL_DOWN,
            longest_cool_down=LONGEST,
            clock=lambda: self.now,
        )
        self.loop: asyncio.AbstractEventLoop
        self.over: asyncio.Event
        looping = threading.Event()
        self.looping = threading.Thread(target=lambda: asyncio.run(self.serve(looping)))
        self.looping.start()
        assert looping.wait(self.patience)

    def teardown(self) -> None:
        if self.expected.state == "loading":
            self.begun[-1].end.set_result(object())
        for each in self.pending:
            each.exception(self.patience)
        self.loop.call_soon_threadsafe(self.over.set)
        self.looping.join(self.patience)

    async def serve(self, looping: threading.Event) -> None:
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        looping.set()
        await self.over.wait()

    # The stub, and how the test waits for what happens on other threads

    def load(self) -> object:
        if os.getpid() != self.pid:
            return "loaded by the child"
        stub = Stub()
        with self.told:
            self.begun.append(stub)
            self.told.notify_all()
        return stub.end.result(self.patience)

    def hear(self, _: object) -> None:
        if os.getpid() == self.pid:
            with self.told:
                self.told.notify_all()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self.told:
            assert self.told.wait_for(condition, self.patience), "the loader did not come so far"

    def asked(self, ask: Callable[[], Future[Any]]) -> Future[Any]:
        """Ask, and wait until the loader has taken note of it."""
        ready = self.expected.state == "ready"
        begins = not ready and self.expected.state != "loading" and not self.expected.refuses(self.now)
        if not ready:
            self.expected.ask(self.now)
        if begins:
            self.expected.tell("started")
        calls = len(self.begun) + begins
        future = ask()
        self.wait_until(lambda: len(self.begun) == calls and self.loader.counts == self.expected.counts)
        return future

    def settle(self, future: Future[Any]) -> None:
        """What was asked is answered now, or waits for the load under way."""
        if self.expected.state == "loading":
            self.pending.append(future)
        else:
            self.check_answer(future)

    def check_answer(self, future: Future[Any]) -> None:
        error = future.exception(self.patience)
        assert error is self.expected.error, "another error than the attempt's"
        assert error is not None or future.result() is self.expected.value, "another object than the others"

    def check_answers(self) -> None:
        for future in self.pending:
            self.check_answer(future)
        self.pending, self.tasks = [], []

    # What callers do

    def call(self) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(self.loader.get())
            except BaseException as error:  # noqa: BLE001 - the caller's answer
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def spawn(self) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(self.loader.aget(), self.loop)

    @rule()
    def get(self) -> None:
        self.settle(self.asked(self.call))

    @rule()
    def aget(self) -> None:
        future = self.asked(self.spawn)
        self.settle(future)
        if self.expected.state == "loading":
            self.tasks.append(future)

    @rule(loop=st.booleans())
    def give_up_at_once(self, loop: bool) -> None:
        future: Future[Any] = Future()

        def ask() -> Future[Any]:
            try:
                if loop:
                    coroutine = self.loader.aget(timeout=0)
                    asked = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
                    future.set_result(asked.result(self.patience))
                else:
                    future.set_result(self.loader.get(timeout=0))
            except BaseException as error:  # noqa: BLE001 - the caller's answer
                future.set_exception(error)
            return future

        self.asked(ask)
        if self.expected.state == "loading":
            assert isinstance(future.exception(), LoadTimeout)
        else:
            self.check_answer(future)

    @precondition(lambda self: self.tasks)
    @rule(which=st.integers(0, 10))
    def cancel_a_task(self, which: int) -> None:
        task = self.tasks.pop(which % len(self.tasks))
        self.pending.remove(task)
        assert task.cancel()
        try:
            task.result(self.patience)
        except CancelledError:
            return
        raise AssertionError("a cancelled task was answered")

    @precondition(lambda self: self.expected.state == "loading")
    @rule()
    def the_load_succeeds(self) -> None:
        value = object()
        self.expected.succeed(value)
        self.end(lambda stub: stub.end.set_result(value))

    @precondition(lambda self: self.expected.state == "loading")
    @rule()
    def the_load_fails(self) -> None:
        error = OSError(f"attempt {len(self.begun)} found no shard")
        self.expected.fail(error, self.now)
        self.end(lambda stub: stub.end.set_exception(error))

    def end(self, how: Callable[[Stub], None]) -> None:
        shared = self.loader._shared
        how(self.begun[-1])
        if shared is not None:  # the last event is told a moment before the attempt is over
            shared.ended.result(self.patience)
        self.check_answers()

    @rule(seconds=st.sampled_from([1.0, COOL_DOWN, LONGEST]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(forget=st.booleans())
    def unload(self, forget: bool) -> None:
        call = self.loader.reset if forget else self.loader.unload
        if self.expected.state == "loading":
            try:
                call(timeout=0)
            except LoadTimeout:
                return
            raise AssertionError("unloaded during a load")
        assert call() == (self.expected.reset() if forget else self.expected.unload())

    @rule()
    def fork(self) -> None:
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer ones warn: other threads are running
            child = os.fork()
        if child == 0:
            try:
                said = json.dumps(self.look_from_the_child())
            except BaseException as error:  # noqa: BLE001 - the parent fails with it
                said = json.dumps(f"{type(error).__name__}: {error}")
            os.write(writing, said.encode())
            os._exit(0)
        os.close(writing)
        try:
            assert select.select([reading], [], [], self.patience)[0], "the child hangs"
            assert json.loads(os.read(reading, 10_000)) == self.expected_of_the_child()
        finally:
            os.close(reading)
            os.kill(child, signal.SIGKILL)  # it has said all, or never will
            os.waitpid(child, 0)

    def look_from_the_child(self) -> list[object]:
        before = self.loader.state
        try:
            got = self.loader.get(timeout=60)
        except OSError as error:
            return [before, str(error), self.loader.counts]
        same = got is self.expected.value
        return [before, "the parent's" if same else got, self.loader.counts]

    def expected_of_the_child(self) -> list[object]:
        state = self.expected.state
        if state == "loading":  # forgotten: what was before it stands
            state = "idle" if self.expected.error is None else "failed"
        if state == "ready":
            return ["ready", "the parent's", {}]
        if state == "failed" and self.now < self.expected.retry_at:
            return ["failed", str(self.expected.error), {"requested": 1}]
        return [state, "loaded by the child", {"requested": 1, "started": 1, "completed": 1}]

    # What holds at all times

    @invariant()
    def both_agree(self) -> None:
        assert self.loader.state == self.expected.state
        assert self.loader.peek() is self.expected.value
        assert self.loader.error is self.expected.error
        assert self.loader.generation == self.expected.generation
        assert self.loader.counts == self.expected.counts
        assert len(self.begun) == self.expected.counts.get("started", 0), "another number of load calls"
