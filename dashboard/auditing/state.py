"""One way through the audited source: what names and slots are worth on it, which locks are held."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboard.auditing.values import Check, Held, Slot, Value, joined

__all__ = ["State", "met"]


@dataclass(slots=True)
class State:
    """What is known at one point of one way. `alive`: the way goes on from here."""

    names: dict[tuple[int, str], Value] = field(default_factory=dict)
    slots: dict[Slot, Value] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    checks: frozenset[Check] = frozenset()
    path: tuple[tuple[int, int], ...] = ()
    alive: bool = True

    def copy(self) -> State:
        """Return a state that goes its own way from here."""
        return State(dict(self.names), dict(self.slots), self.held, self.checks, self.path, self.alive)

    def become(self, other: State) -> None:
        """Take over all that is known in `other`."""
        self.names, self.slots, self.held = other.names, other.slots, other.held
        self.checks, self.path, self.alive = other.checks, other.path, other.alive

    @property
    def regions(self) -> frozenset[int]:
        """The stretches of held locks that this point lies in."""
        return frozenset(held.region for held in self.held)

    def taken(self, held: Held) -> None:
        """Hold a lock from here on."""
        self.held = (*self.held, held)

    def let_go(self, region: int) -> None:
        """Hold it no longer."""
        self.held = tuple(held for held in self.held if held.region != region)


def met(*states: State) -> State:
    """Return what is known where several ways come together: only what is true on each of them."""
    living = [state for state in states if state.alive]
    if not living:
        gone = states[0].copy()
        gone.alive = False
        return gone
    first = living[0].copy()
    for other in living[1:]:
        for name, value in other.names.items():
            first.names[name] = joined(first.names.get(name, value), value)
        for slot, kept in other.slots.items():
            first.slots[slot] = joined(first.slots.get(slot, kept), kept)
        first.held = tuple(held for held in first.held if held in other.held)
        first.checks &= other.checks
        common = 0
        for one, two in zip(first.path, other.path, strict=False):
            if one != two:
                break
            common += 1
        first.path = first.path[:common]
    return first
