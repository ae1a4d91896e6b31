"""An attempt that several callers wait for, and the outcome that all of them get."""

from __future__ import annotations

import traceback
from concurrent.futures import Future
from typing import Generic, NoReturn, TypeVar

from loader.attempt import Attempt, Loaded

__all__ = ["Failure", "SharedAttempt"]

T = TypeVar("T")


class SharedAttempt(Generic[T]):
    """An attempt that several callers wait for, and what became of it.

    `ended` carries no result: an exception in a future that a cancelled task left behind would be complained
    about, and raising one exception object from a thousand threads makes its traceback grow with each.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.ended: Future[None] = Future()
        # From the beginning it cannot be cancelled: a caller that gives up must not take it from the others.
        self.ended.set_running_or_notify_cancel()
        self.loaded: Loaded[T] | None = None
        self.failure: Failure | None = None

    def outcome(self) -> Loaded[T]:
        """Return what was loaded, or raise what went wrong. Only once `ended` is done."""
        if self.failure is not None:
            self.failure.throw()
        assert self.loaded is not None  # one of the two was set before `ended`
        return self.loaded


class Failure:
    """The error of an attempt, thrown at each of its waiters with the traceback that it had in the load."""

    def __init__(self, error: BaseException) -> None:
        self.error, self._traceback = error, error.__traceback__
        link: BaseException | None = error
        seen = set[int]()
        while link is not None and id(link) not in seen:
            seen.add(id(link))
            # The frames of a failed load hold what it had read: gigabytes, for as long as the error lives
            traceback.clear_frames(link.__traceback__)
            link = link.__cause__ or link.__context__

    def throw(self) -> NoReturn:
        raise self.error.with_traceback(self._traceback)
