"""What an expression is worth, and what happens while it is worked out."""

from __future__ import annotations

import ast
from dataclasses import replace

from dashboard.auditing.memory import loads_of, looks_like_a_lock, meeting
from dashboard.auditing.scopes import dotted
from dashboard.auditing.state import State, met
from dashboard.auditing.truths import Truths
from dashboard.auditing.values import (
    UNKNOWN,
    ClassValue,
    Constant,
    Container,
    Fresh,
    Function,
    Guarded,
    Instance,
    Items,
    LockValue,
    Named,
    Slot,
    Stored,
    Unknown,
    Value,
)
from dashboard.auditing.vocabulary import PER_REQUEST

__all__ = ["Expressions"]

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Expressions(Truths):
    """Works expressions out. Calls are `invoke`, which the statements bring."""

    def invoke(self, node: ast.Call, state: State) -> Value:
        """Call what an expression calls."""
        raise NotImplementedError

    def enter(
        self, function: Function, given: list[Value], named: dict[str, Value], line: int, state: State
    ) -> Value:
        """Run a function of the module."""
        raise NotImplementedError

    def define(self, node: ast.Lambda, state: State) -> Value:
        """Make a function."""
        raise NotImplementedError

    # -- values ---------------------------------------------------------------------------------------------

    def value(self, node: ast.expr | None, state: State) -> Value:
        """Work an expression out."""
        self.step()
        if node is None:
            return Constant(None)
        if isinstance(node, ast.Constant):
            return Constant(node.value)
        if isinstance(node, ast.Name):
            return self.name(node.id, state)
        if isinstance(node, ast.Attribute):
            return self.attribute(self.value(node.value, state), node.attr, state, node.lineno)
        if isinstance(node, ast.Call):
            return self.invoke(node, state)
        if isinstance(node, ast.NamedExpr):
            value = self.value(node.value, state)
            self.assign(node.target.id, value, node.lineno, state)
            return value
        if isinstance(node, ast.Await):
            value = self.value(node.value, state)
            self.note("wait", node.lineno, state)
            return value
        if isinstance(node, ast.Compare | ast.BoolOp) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            return self.truth(node, state)
        return self._other(node, state)

    def _other(self, node: ast.expr, state: State) -> Value:
        if isinstance(node, ast.IfExp):
            yes, no = self.branch(node.test, state)
            one, other = self.value(node.body, yes), self.value(node.orelse, no)
            state.become(met(yes, no))
            return meeting((one, other))
        if isinstance(node, ast.Subscript):
            return self._item(node, state)
        if isinstance(node, ast.Tuple):
            return Items(tuple(self.value(part, state) for part in node.elts))
        if isinstance(node, ast.Dict | ast.List | ast.Set):
            return self._display(node, state)
        if isinstance(node, ast.Lambda):
            return self.define(node, state)
        if isinstance(node, ast.Starred):
            return self.value(node.value, state)
        if isinstance(node, ast.Yield | ast.YieldFrom):
            self.call.yielded = state.copy()
            return self.value(node.value, state) if node.value is not None else UNKNOWN
        if isinstance(node, _COMPREHENSIONS):
            for each in node.generators:
                self.value(each.iter, state)
                self.bind(each.target, UNKNOWN, node.lineno, state)
                for test in each.ifs:
                    self.value(test, state)
            parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
            return self._filled(node, [self.value(part, state) for part in parts][-1:], state)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.value(part, state)
        return UNKNOWN

    def _display(self, node: ast.Dict | ast.List | ast.Set, state: State) -> Value:
        parts = node.values if isinstance(node, ast.Dict) else node.elts
        worth = [self.value(part, state) for part in parts]
        if isinstance(node, ast.Dict) and {type(each) for each in worth} > {LockValue}:
            keys = [each.value if isinstance(each, ast.Constant) else None for each in node.keys]
            pairs = zip(keys, worth, strict=True)
            locks = tuple((key, each) for key, each in pairs if isinstance(each, LockValue))
            return Container(Slot("{}", str(node.lineno), self.making), locks=locks)
        return self._filled(node, worth, state)

    def _filled(self, node: ast.expr, parts: list[Value], state: State) -> Value:
        worth = [part for part in parts if not isinstance(part, Constant | Unknown)]
        makes = worth[0] if worth and all(isinstance(part, LockValue) for part in worth) else None
        if isinstance(makes, LockValue):
            makes = replace(makes, per_key=True)
        slot = Slot("{}", str(node.lineno), self.making)
        if worth and makes is None:
            item = _item_of(Container(slot))
            state.slots[item] = meeting(worth)
        return Container(slot, makes)

    def _item(self, node: ast.Subscript, state: State) -> Value:
        owner = self.value(node.value, state)
        key = self.value(node.slice, state)
        if isinstance(owner, Items) and isinstance(key, Constant) and isinstance(key.value, int):
            if -len(owner.parts) <= key.value < len(owner.parts):
                return owner.parts[key.value]
            return UNKNOWN
        if isinstance(owner, Container) and isinstance(key, Constant) and key.value in dict(owner.locks):
            return dict(owner.locks)[key.value]
        slot = self.item_slot(owner, key)
        if slot is None:
            return Unknown(dotted(node))
        if isinstance(owner, Container) and owner.makes is not None and slot not in state.slots:
            return owner.makes
        return self.read(slot, state)

    def item_slot(self, owner: Value, key: Value) -> Slot | None:
        """Return the slot that an item is; None where nothing is kept."""
        if owner == Named("globals()") and isinstance(key, Constant):
            return Slot("", str(key.value))
        if isinstance(owner, Container | Stored):
            return _item_of(owner)
        if isinstance(owner, Named):
            return Slot(owner.name, "[…]", "request" if owner.name in PER_REQUEST else "shared")
        if isinstance(owner, Instance) or (isinstance(owner, Unknown) and owner.text):
            return self.attribute_slot(owner, "[…]")
        return None

    # -- attributes -----------------------------------------------------------------------------------------

    def attribute(self, owner: Value, name: str, state: State, line: int) -> Value:
        """Return what `owner.name` is worth."""
        if isinstance(owner, Named):
            if owner.name == "super":
                return self._of_super(name)
            slot = self.attribute_slot(owner, name)
            kept = slot is not None and (slot in state.slots or slot.reach == "request")
            return self.read(slot, state) if kept and slot is not None else Named(f"{owner.name}.{name}")
        if isinstance(owner, Guarded):
            return owner
        if name in ("__class__", "__dict__") and isinstance(owner, Instance):
            return owner.of if name == "__class__" else Container(Slot(owner.key, "", owner.reach))
        if isinstance(owner, Instance | ClassValue):
            return self._member(owner, name, state, line)
        slot = self.attribute_slot(owner, name)
        if slot is not None and str(slot) == "app.state":
            return Unknown("app.state")  # a place to keep things in, and nothing that is kept
        if isinstance(owner, Unknown) and (slot is None or slot.reach == "unknown"):
            held = slot is not None and slot in state.slots
            return self.read(slot, state) if held and slot is not None else Unknown(f"{owner.text}.{name}")
        return UNKNOWN if slot is None else self.read(slot, state)

    def _member(self, owner: Instance | ClassValue, name: str, state: State, line: int) -> Value:
        of = owner.of if isinstance(owner, Instance) else owner
        own = self.attribute_slot(owner, name)
        assert own is not None  # both have attributes
        if isinstance(owner, Instance) and (own in state.slots or own in self.shared):
            return self.read(own, state)
        holder = self.holder_of(of, name)
        if holder is None and isinstance(owner, ClassValue) and isinstance(of.meta, ClassValue):
            holder = self.holder_of(of.meta, name)
        if holder is None:
            return self.read(own, state)
        found = self.read(Slot(holder.name, name), state)
        if isinstance(found, Function):
            subject = of if found.kind == "class" else owner
            if found.kind == "property" and isinstance(owner, Instance):
                return self.enter(replace(found, bound=owner), [], {}, line, state)
            if found.kind == "static" or (isinstance(owner, ClassValue) and found.kind != "class"):
                return found
            return replace(found, bound=subject)
        if isinstance(owner, Instance) and isinstance(found, Stored):
            return self.read(own if owner.reach == "call" else found.slot, state)
        return found

    def _of_super(self, name: str) -> Value:
        function = self.call.function
        owner = function.owner if function is not None else None
        for base in owner.bases if owner is not None else ():
            holder = self.holder_of(base, name)
            found = self.shared.get(Slot(holder.name, name)) if holder is not None else None
            if isinstance(found, Function):
                return replace(found, bound=self.call.subject)
        return Named(f"super.{name}")

    def bind(self, target: ast.expr, value: Value, line: int, state: State) -> None:
        """Assign to a target, whatever it is."""
        if isinstance(target, ast.Name):
            self.assign(target.id, value, line, state)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, state)
            slot = self.attribute_slot(owner, target.attr)
            if isinstance(owner, ClassValue):
                slot = Slot((self.holder_of(owner, target.attr) or owner).name, target.attr)
            elif isinstance(owner, Instance) and owner.reach != "call":
                held = self.holder_of(owner.of, target.attr)
                if held is not None and Slot(owner.key, target.attr, owner.reach) not in self.shared:
                    # One object for all: its attribute and its class's of that name are one place
                    slot = Slot(held.name, target.attr, owner.reach)
            if isinstance(owner, Fresh | Stored) and not isinstance(value, Constant):
                self.touch(owner, f".{target.attr} =", line, state)
            elif slot is not None:
                self.publish(slot, value, line, state)
        elif isinstance(target, ast.Subscript):
            owner, key = self.value(target.value, state), self.value(target.slice, state)
            slot = self.item_slot(owner, key)
            if slot is not None:
                self.publish(slot, value, line, state)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = value.parts if isinstance(value, Items) else ()
            for number, each in enumerate(target.elts):
                whole = len(parts) == len(target.elts)
                self.bind(each, parts[number] if whole else _part(value), line, state)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, UNKNOWN, line, state)

    def touch(self, value: Value, what: str, line: int, state: State, *, certain: bool = True) -> None:
        """Note that what was loaded is changed, be it published already or not."""
        slots = frozenset({value.slot}) if isinstance(value, Stored) else frozenset[Slot]()
        self.note("touch", line, state, what=what, slots=slots, loads=loads_of(value), certain=certain)

    # -- locks ----------------------------------------------------------------------------------------------

    def as_lock(self, node: ast.expr, value: Value) -> LockValue | None:
        """Return the lock that a value is, or is named like; None for anything else."""
        text = dotted(node) or "the lock"
        if isinstance(value, LockValue):
            return replace(value, name=value.name or text)
        named = looks_like_a_lock(node)
        if isinstance(value, Stored) and named:
            return LockValue("unknown", "unknown", 0, text)
        if isinstance(value, Named | Unknown) and named:
            return LockValue("unknown", "unknown", 0, text)
        return None


def _item_of(owner: Container | Stored) -> Slot:
    return Slot(str(owner.slot), "[…]", owner.slot.reach)


def _part(value: Value) -> Value:
    return value if isinstance(value, Fresh | Stored) else UNKNOWN
