"""What the abstract run remembers: names, slots, instances; and how it notes what it has seen."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dashboard.auditing.scopes import Scopes
from dashboard.auditing.state import State
from dashboard.auditing.trace import Event, EventKind, Trace
from dashboard.auditing.values import (
    UNKNOWN,
    ClassValue,
    Constant,
    Container,
    Frame,
    Fresh,
    Function,
    Guarded,
    Instance,
    Items,
    LockValue,
    Named,
    Reach,
    Slot,
    Stored,
    Unknown,
    Value,
    joined,
)
from dashboard.auditing.vocabulary import LOOKS_LIKE_A_LOCK, PER_REQUEST

__all__ = ["Call", "Memory", "TooMuch", "loads_of", "looks_like_a_lock", "meeting"]

_MOST_STEPS: Final = 2_000_000
_STEPS_OF_ONE: Final = 500_000
_STEPS_OF_EVENT: Final = 100


class TooMuch(Exception):
    """The source has more ways through it than are looked at."""


@dataclass(slots=True)
class Call:
    """One function under way: where it returned, which loops it is in, what its `with` statements hold."""

    frame: Frame
    function: Function | None = None
    subject: Value = UNKNOWN
    klass: ClassValue | None = None
    returns: list[tuple[State, Value]] = field(default_factory=list)
    breaks: list[list[State]] = field(default_factory=list)
    yielded: State | None = None
    regions: set[int] = field(default_factory=set)


class Memory:
    """Names and slots. `making`: who sees what is made now; at import everybody does."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.trace = Trace()
        self.recording = False
        self.making: Reach = "shared"
        self.shared: dict[Slot, Value] = {}
        self.defined: dict[int, Function] = {}
        self.classes: dict[str, ClassValue] = {}
        self.instances: dict[str, Instance] = {}
        self.startup: list[Function] = []
        self.calls: list[Call] = [Call(Frame(0, "", True))]
        self.loads_at_import = False
        self.newest_load = 0
        self._numbers = self._steps = 0
        self._limit = _MOST_STEPS

    # -- counting -------------------------------------------------------------------------------------------

    def number(self) -> int:
        """Return a number that nothing else has."""
        self._numbers += 1
        return self._numbers

    def step(self, weight: int = 10) -> None:
        """Count what was looked at, by what it costs.

        Raises:
            TooMuch: it is more than anybody waits for.
        """
        self._steps += weight
        if self._steps > self._limit:
            raise TooMuch

    def grant(self) -> None:
        """Let the next call take its share of what may be looked at in all.

        Raises:
            TooMuch: nothing is left.
        """
        if self._steps > _MOST_STEPS:
            raise TooMuch
        self._limit = self._steps + _STEPS_OF_ONE

    def note(self, kind: EventKind, line: int, state: State, **facts: Any) -> int:
        """Note a fact of the call that is audited; return its place in the order of all."""
        order = self.number()
        self.step(_STEPS_OF_EVENT)
        if kind == "load" and facts.get("weight"):
            self.newest_load = order
        if self.recording:
            event = Event(
                kind,
                line,
                order,
                held=state.held,
                checks=state.checks,
                path=state.path,
                coroutine=self.in_coroutine,
                **facts,
            )
            self.trace.events.append(event)
        return order

    @property
    def importing(self) -> bool:
        """Whether the import is run, and not one call of many."""
        return self.making == "shared"

    @property
    def in_coroutine(self) -> bool:
        """Whether the function under way is an `async def`."""
        function = self.call.function
        return function is not None and isinstance(function.node, ast.AsyncFunctionDef)

    @property
    def call(self) -> Call:
        """The function under way."""
        return self.calls[-1]

    # -- names ----------------------------------------------------------------------------------------------

    def name(self, text: str, state: State) -> Value:
        """Return what a name is worth here."""
        frame: Frame | None = self.call.frame
        while frame is not None:
            if text in frame.shared_names:
                return self.read(_cell(frame, text), state)
            if text in frame.names:
                return state.names.get((frame.number, text), Unknown(text))
            frame = frame.outer
        slot = Slot("", text)
        if slot in state.slots or slot in self.shared or text in self.scopes.rewritten:
            return self.read(slot, state)
        return Named(text)

    def assign(self, text: str, value: Value, line: int, state: State) -> None:
        """Give a name a value, where Python would."""
        frame: Frame | None = self.call.frame
        declared = self.scopes.declared(self.call.function)
        if frame is not None and frame.number and text not in declared.globals:
            if text in declared.nonlocals:
                frame = frame.outer
                while frame is not None and text not in frame.names | frame.shared_names:
                    frame = frame.outer
            if frame is None:
                return
            if text in frame.shared_names:
                self.publish(_cell(frame, text), value, line, state)
            else:
                state.names[frame.number, text] = value
            return
        self.publish(Slot("", text), value, line, state)

    # -- slots ----------------------------------------------------------------------------------------------

    def read(self, slot: Slot, state: State) -> Value:
        """Return what a slot holds: what was put there on this way, else what the import has left there."""
        found = state.slots.get(slot)
        if found is not None and not (isinstance(found, Constant) and not self.importing):
            return found
        kept = self.shared.get(slot)
        if kept is None or self.importing:
            return self.stored(slot, state)
        if isinstance(kept, Fresh | Unknown):
            return self.stored(slot, state, eager=True)
        if isinstance(kept, Constant | Items) and (kept == Constant(None) or self._rewritten(slot)):
            return self.stored(slot, state)
        return kept

    def stored(self, slot: Slot, state: State, *, eager: bool = False) -> Stored:
        """Return what is in a slot, as somebody finds it who looks now."""
        return Stored(slot, state.regions, self.number(), eager)

    def _rewritten(self, slot: Slot) -> bool:
        return bool(slot.owner) or slot.name in self.scopes.rewritten

    def publish(self, slot: Slot, value: Value, line: int, state: State) -> None:
        """Put a value into a slot."""
        if value == UNKNOWN and not slot.owner:
            value = Unknown(slot.name)  # `app`, made by who knows whom
        if isinstance(value, Container) and value.slot.owner == "{}":
            value = replace(value, slot=slot)
        if isinstance(value, LockValue) and value.reach == "call" and slot.reach == "shared":
            if value.kind == "async":  # nothing comes between on the one loop that it is for
                value = replace(value, reach="shared")
            if self._made_once(state):
                value = replace(value, reach="shared")
        if isinstance(value, Guarded) and slot.reach == "shared" and self._made_once(state):
            value = Guarded(value.name)
        if isinstance(value, Instance) and value.reach == "call" and slot.reach != "call":
            value = self._moved(value, slot, state)
        state.slots[slot] = value
        if self.importing or (isinstance(value, Constant) and value.empty):
            return
        matters = isinstance(value, Instance) and value.of.name in self.scopes.loading_classes
        self.note(
            "publish",
            line,
            state,
            what=str(slot),
            slots=frozenset({slot}),
            loads=loads_of(value),
            weight=3 if matters else int(isinstance(value, Fresh | Instance)),
        )

    @staticmethod
    def _made_once(state: State) -> bool:
        """Whether what is made here is made under a lock, by who has looked that it is not there."""
        return any(held.lock.reach == "shared" for held in state.held) and bool(state.checks)

    def _moved(self, made: Instance, slot: Slot, state: State) -> Instance:
        """Let an object be shared from here on, with all that hangs on it."""
        moved = Instance(made.of, str(slot), slot.reach)
        for old, value in list(state.slots.items()):
            if old.owner == made.key:
                if isinstance(value, LockValue) and value.reach == "call":
                    value = replace(value, reach=slot.reach)
                state.slots[Slot(moved.key, old.name, slot.reach)] = value
        for name, named in list(state.names.items()):
            if named == made:
                state.names[name] = moved
        self.instances.setdefault(made.of.name, moved)
        return moved

    # -- attributes -----------------------------------------------------------------------------------------

    def attribute_slot(self, owner: Value, name: str) -> Slot | None:
        """Return the slot that `owner.name` is; None where nothing is kept."""
        if isinstance(owner, Instance):
            return Slot(owner.key, name, owner.reach)
        if isinstance(owner, ClassValue):
            holder = self.holder_of(owner, name)
            return Slot((holder or owner).name, name)
        if isinstance(owner, Function):
            return Slot(owner.name, name)
        if isinstance(owner, Stored):
            return Slot(str(owner.slot), name, owner.slot.reach)
        if isinstance(owner, Named):
            return Slot(owner.name, name, "request" if owner.name in PER_REQUEST else "shared")
        if isinstance(owner, Unknown):
            for one in ("app.state", "app"):  # a parameter's, a request's: there is one application
                if owner.text == one or owner.text.endswith(f".{one}"):
                    return Slot(one, name)
            return Slot(owner.text or "?", name, "unknown")
        if isinstance(owner, Container):
            return Slot(str(owner.slot), name, owner.slot.reach)
        reach = getattr(owner, "reach", None)
        return None if reach is None else Slot(getattr(owner, "name", "?"), name, reach)

    def derives(self, of: ClassValue, base: ClassValue) -> bool:
        """Whether a class is another one, or made from it."""
        return of.node is base.node or any(self.derives(each, base) for each in of.bases if each is not of)

    def holder_of(self, of: ClassValue, name: str) -> ClassValue | None:
        """Return the class, this or one above it, in whose body a name stands."""
        if name in self.scopes.class_names(of.node):
            return of
        found = (self.holder_of(base, name) for base in of.bases if base is not of)
        return next((each for each in found if each is not None), None)


def loads_of(*values: Value) -> frozenset[int]:
    """Return the loads that values came of."""
    found = frozenset[int]()
    for value in values:
        if isinstance(value, Fresh):
            found |= value.loads
        elif isinstance(value, Items):
            found |= loads_of(*value.parts)
    return found


def meeting(values: Iterable[Value]) -> Value:
    """Return what is known of a value that is one of these."""
    found: Value | None = None
    for value in values:
        found = value if found is None else joined(found, value)
    return UNKNOWN if found is None else found


def looks_like_a_lock(node: ast.expr) -> bool:
    """Whether an expression is named like a lock."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Subscript):
        node = node.value
    last = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return LOOKS_LIKE_A_LOCK.search(last) is not None


def _cell(frame: Frame, text: str) -> Slot:
    return Slot(frame.function, text, "shared" if frame.imported else "call")
