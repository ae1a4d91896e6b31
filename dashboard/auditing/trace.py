"""What the abstract run of a source has seen, in its order: the facts that the rules judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dashboard.auditing.values import UNKNOWN, Check, Held, Slot, Value

__all__ = ["Event", "EventKind", "Trace"]

EventKind = Literal["load", "publish", "touch", "test", "wait", "note"]


@dataclass(frozen=True, slots=True)
class Event:
    """One fact.

    Attributes:
        load: something is loaded. publish: it is put where others find it. touch: what was loaded is
            finished (`.to`, `.eval`). test: somebody looks whether slots are filled. wait: an `await`.
            note: what cannot be told, in words.
        what: the call as the source writes it. weight: how sure it is that this is a load of a model.
        path: the branches that lead there, so that two ways that exclude each other are told apart.
    """

    kind: EventKind
    line: int
    order: int
    what: str = ""
    weight: int = 0
    transformers: bool = False
    slots: frozenset[Slot] = frozenset()
    loads: frozenset[int] = frozenset()
    held: tuple[Held, ...] = ()
    checks: frozenset[Check] = frozenset()
    path: tuple[tuple[int, int], ...] = ()
    certain: bool = True
    coroutine: bool = False

    @property
    def regions(self) -> frozenset[int]:
        """The stretches of held locks that it lies in."""
        return frozenset(held.region for held in self.held)

    def may_follow(self, other: Event) -> bool:
        """Whether one way leads through `other` first and then here."""
        arms = dict(other.path)
        return other.order < self.order and all(arms.get(fork, arm) == arm for fork, arm in self.path)


@dataclass(slots=True)
class Trace:
    """The facts of one call.

    Attributes:
        visited: the functions that it went through. guarded: loaders of ours that it used.
        cut: something was too deep to be followed. returned: what the caller is given.
    """

    events: list[Event] = field(default_factory=list)
    visited: set[int] = field(default_factory=set)
    guarded: list[str] = field(default_factory=list)
    cut: bool = False
    returned: Value = UNKNOWN

    def of(self, *kinds: EventKind) -> list[Event]:
        """Return the events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]
