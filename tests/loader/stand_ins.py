"""What stands in for locks, conditions, futures, threads and attributes in a controlled run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tests.loader.controlled_threads import Name, begin, is_controlled, me, new_name, stop_before

__all__ = ["Condition", "Future", "Lock", "SharedDict", "Thread", "watched"]

C = TypeVar("C", bound=type)


class Lock:
    """Stands in for `threading.Lock`, and with `reentrant` for `RLock`."""

    def __init__(self, *, reentrant: bool = False) -> None:
        self._name, self._reentrant = new_name(), reentrant
        self._holder: object = None
        self._depth = 0

    def acquire(self) -> bool:
        asking = me()
        if not (self._reentrant and self._holder is asking):
            stop_before("acquire", self._name, lambda: self._holder is None)
        self._holder, self._depth = asking, self._depth + 1
        return True

    def release(self) -> None:
        if self._depth == 1:
            stop_before("release", self._name)
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
        waiter = _Waiter(new_name())
        self._waiters.append(waiter)
        self._lock.release()
        if timeout is None:
            stop_before("wait", waiter.name, lambda: waiter.notified)
        else:
            stop_before("poll", waiter.name)  # as much later as it was chosen: in time, or too late
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
            stop_before("notify", self._waiters[0].name)
            self._waiters.pop(0).notified = True


class _Waiter:
    def __init__(self, name: Name) -> None:
        self.name, self.notified = name, False


class Future:
    """Stands in for `concurrent.futures.Future`, as far as threads use it to wait for an end."""

    def __init__(self) -> None:
        self._name, self._done = new_name(), False

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def set_result(self, _: object) -> None:
        stop_before("notify", self._name)
        assert not self._done, "an attempt ended twice"
        self._done = True

    def result(self, timeout: float | None = None) -> None:
        if timeout is None:
            stop_before("wait", self._name, lambda: self._done)
        else:
            stop_before("poll", self._name)
            if not self._done:
                raise TimeoutError


class SharedDict(dict[Any, Any]):
    """A dictionary whose entries are read and written in view of the other threads."""

    def __init__(self) -> None:
        super().__init__()
        self._name = new_name()

    def get(self, key: Any, default: Any = None) -> Any:
        stop_before("read", self._name)
        return super().get(key, default)

    def __setitem__(self, key: Any, value: Any) -> None:
        stop_before("write", self._name)
        super().__setitem__(key, value)


class Thread:
    """Stands in for `threading.Thread`."""

    def __init__(
        self, *, target: Callable[..., object], args: tuple[Any, ...], name: str, daemon: bool
    ) -> None:
        self.name, self._body = name, lambda: target(*args)

    def start(self) -> None:
        begin(self._body)


def watched(cls: C, *attributes: str) -> C:
    """Return a subclass whose `attributes` are read and written in view of the other threads."""

    def stop(self: object, attribute: str, kind: str) -> None:
        if is_controlled():
            own = object.__getattribute__(self, "__dict__")
            if "_controlled" not in own:
                own["_controlled"] = new_name()
            if attribute == "__dict__":  # whoever takes the whole dictionary may change any of them
                attribute, kind = attributes[0], "write"
            stop_before(kind, (*own["_controlled"], attribute))

    class Watched(cls):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            object.__getattribute__(self, "__dict__")["_controlled"] = new_name()
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
