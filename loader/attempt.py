"""One attempt at a load: its number, its events, and the checks between the load and its publication."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from loader.errors import LoaderError, MetaTensorError, PoisonedProcess
from loader.events import EventKind, LoadEvent
from loader.gate import PROCESS_GATE, Gate, Tenant, fingerprint, watched
from loader.journal import Journal
from loader.memory import pss_mb_of_load
from loader.recognition import recognise
from loader.verification import verify_value

__all__ = ["Attempt", "Listener", "Loaded", "Recorder", "report_progress"]

T = TypeVar("T")

Listener = Callable[[LoadEvent], None]
"""Is told each event after its line was printed, on the thread that it happened on, with no lock held."""

_RUNNING: ContextVar[Attempt | None] = ContextVar("loadonce_attempt", default=None)
_LOG: Final = logging.getLogger("loader")
_WORDS: Final = 300  # characters of an error's message that go into its event


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A loaded value and the load that it came from.

    Attributes:
        value: what the load function returned.
        model: the loader's name for it.
        boot, load_id: which load, in which process, made it. After a fork this is the parent's.
        generation: 1 for the first load, one more after each `unload()`.
        seconds: how long the load took, without waiting for the gate.
    """

    value: T
    model: str
    boot: str
    load_id: int
    generation: int
    seconds: float


class Recorder:
    """Records one model's events and counts them. Threading: any thread."""

    def __init__(self, model: str, journal: Journal, listener: Listener | None, began: str) -> None:
        self.model, self.journal, self.began = model, journal, began
        self._listener = listener
        self.forget()

    @property
    def counts(self) -> Mapping[EventKind, int]:
        """How many events of each kind this model has had in this process."""
        with self._lock:
            return dict(self._counts)

    def forget(self) -> None:
        """Count from nothing, as in a forked child, where the old lock may be held for ever."""
        self._lock = threading.Lock()  # guards the counts; a + 1 is two steps
        self._counts: dict[EventKind, int] = {}

    def tell(
        self,
        kind: EventKind,
        phrase: str,
        load: int | None = None,
        level: str = "INFO",
        **fields: object,
    ) -> None:
        """Record one event."""
        event = self.journal.record(
            kind,
            model=self.model,
            phrase=phrase,
            load=load,
            level=level,
            fields={key: str(value) for key, value in fields.items()},
        )
        with self._lock:
            self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._listener is not None:
            try:
                self._listener(event)
            except Exception:  # noqa: BLE001 - a listener's fault must not fail, or hang, a load
                _LOG.exception("A listener failed on the %s event of %s", kind, self.model)


class Attempt:
    """One run of a load function.

    `run()` is called once, on the thread that loads. `tenant` is how others wait for it.
    """

    def __init__(self, recorder: Recorder, number: int, gate: Gate | None) -> None:
        self.recorder, self.number, self.gate = recorder, number, gate
        self.load_id = recorder.journal.next_load()
        self.boot = recorder.journal.boot
        self.tenant = Tenant(recorder.model)
        self.thread = "a thread that is about to start"
        self.since = time.monotonic()
        self.seconds = 0.0

    def elapsed(self) -> float:
        """Seconds since the attempt was asked for."""
        return time.monotonic() - self.since

    def run(self, load: Callable[[], T], publish: Callable[[T], None]) -> T:
        """Load, verify, publish, and return the value; the events tell each step.

        Raises:
            Exception: what the load raised, or what the loader found wrong. Nothing was published then.
        """
        token = _RUNNING.set(self)
        try:
            with self.tenant.here(), self.gate.hold() if self.gate is not None else nullcontext():
                try:
                    value = self._load(load)
                    publish(value)
                except BaseException as error:
                    known = recognise(error, self.recorder.model)
                    self._tell_failure(known)
                    if known is error:
                        raise
                    raise known from error
                # A caller that was answered can look for this event: it is told before the waiters are woken.
                self.recorder.tell(
                    "completed",
                    "Model loaded successfully",
                    self.load_id,
                    seconds=f"{self.seconds:.3f}",
                    **pss_mb_of_load(self.seconds),
                )
                return value
        finally:
            _RUNNING.reset(token)

    def _load(self, load: Callable[[], T]) -> T:
        began = time.monotonic()
        self.recorder.tell("started", self.recorder.began, self.load_id, attempt=self.number)
        try:
            if self.gate is not PROCESS_GATE:  # others may be loading, and the globals be swapped rightly
                value = load()
            else:
                with watched() as before:
                    self._refuse_poison(before.left_behind(), "were left swapped before it began")
                    value = load()
                    self._refuse_poison(fingerprint().differs_from(before), "changed while it ran")
            verify_value(value, self.recorder.model)
            return value
        finally:
            self.seconds = time.monotonic() - began

    def _refuse_poison(self, names: tuple[str, ...], what: str) -> None:
        if names:
            raise PoisonedProcess(
                f"The load of {self.recorder.model} cannot be trusted: {', '.join(names[:4])} {what}. "
                "Another load runs, or ran, outside the process gate. Restart the process, and let every "
                "load go through an OnceLoader or call loader.guard_transformers() at the start."
            )

    def _tell_failure(self, error: Exception) -> None:
        meta = isinstance(error, MetaTensorError)
        origin = error.__cause__ if isinstance(error, LoaderError) and error.__cause__ else error
        self.recorder.tell(
            "meta_tensor_error" if meta else "failed",
            "Model load failed",
            self.load_id,
            "ERROR",
            seconds=f"{self.seconds:.3f}",
            error=type(error).__name__,
            cause=type(origin).__name__,
            message=str(origin)[:_WORDS],
        )


def report_progress(done: int, total: int, unit: str) -> None:
    """Tell how far the load that runs in this context is. Outside a load nothing happens."""
    attempt = _RUNNING.get()
    if attempt is not None:
        phrase = f"Loading weights {done}/{total}"
        attempt.recorder.tell("progress", phrase, attempt.load_id, done=done, total=total, unit=unit)
