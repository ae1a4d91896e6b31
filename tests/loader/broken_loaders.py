"""Loaders with one thing taken away each: what a proof must find, or it proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from loader import gate, once
from loader.attempt import Attempt
from loader.errors import LoadTimeout
from loader.gate import Tenant
from loader.once import OnceLoader

Loader = OnceLoader[Any]


class WithoutLock(Loader):
    """Looks twice, and holds nothing meanwhile."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lock = nullcontext()  # type: ignore[assignment]


class WithALockForEachCall(Loader):
    """Holds a lock that nobody else holds."""

    _lock = property(lambda _: once.threading.Lock(), lambda *_: None)  # type: ignore[assignment]


class WithoutSecondCheck(Loader):
    """Does not look again once it has the lock."""

    def _join(self) -> Any:
        self._recorder.tell("requested", "Model requested")
        with self._lock:
            shared = self._shared = once.SharedAttempt(Attempt(self._recorder, 1, self._gate))
        self._begin(shared)
        return shared


class PublishesBeforeVerification(Loader):
    """Shows what has been loaded before it is known to be whole."""

    def __init__(self, load: Callable[[], Any], **options: Any) -> None:
        def load_and_show() -> Any:
            self._value = value = load()
            return value

        super().__init__(load_and_show, **options)


class WithoutCoolDown(Loader):
    """Lets whoever comes after a failure try at once: waiters of one failure fail in turn."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "cool_down": 0})


class GivesUpForEverybody(Loader):
    """Takes the attempt away when one of its waiters has no more time."""

    def _timeout(self, attempt: Attempt) -> LoadTimeout:
        with self._lock:
            self._shared = None
        return super()._timeout(attempt)


class UnloadsDuringALoad(Loader):
    """Does not wait for the load under way before it gives the model up."""

    def unload(self, timeout: float | None = None) -> bool:
        with self._lock:
            self._shared = None
        return super().unload(timeout)


class WaitsForItsParentsLoad(Loader):
    """Waits, in a forked child, for a load whose thread was not forked."""

    def _after_fork(self) -> None:
        shared = self._shared
        super()._after_fork()
        self._shared = shared


# Of the gate: what a load does while it waits for another


@contextmanager
def lends_nothing(tenant: Tenant, other: Tenant) -> Iterator[None]:
    """Keeps the gate that the other load needs."""
    yield


@contextmanager
def sees_no_cycle(tenant: Tenant, other: Tenant) -> Iterator[None]:
    """Waits for a load that waits for this one."""
    with gate._TURNS:
        tenant.waits_for.append(other)
        gate._TURNS.notify_all()
    yield


@contextmanager
def takes_nothing_back(tenant: Tenant, other: Tenant) -> Iterator[None]:
    """Goes on beside the load that it has lent the gate to."""
    with gate._TURNS:
        tenant.waits_for.append(other)
        gate._TURNS.notify_all()
    try:
        yield
    finally:
        with gate._TURNS:
            tenant.waits_for.remove(other)
