"""Calls of methods: locks are taken and let go, dicts asked and filled, models finished."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Final

from dashboard.auditing.expressions import Expressions
from dashboard.auditing.load_names import load_call
from dashboard.auditing.state import State
from dashboard.auditing.values import (
    UNKNOWN,
    Acquired,
    Constant,
    Container,
    Fresh,
    Function,
    Held,
    Holder,
    LockValue,
    Named,
    Slot,
    Stored,
    Test,
    Value,
)
from dashboard.auditing.vocabulary import FINISHING

__all__ = ["Methods"]

_PEEKS: Final = frozenset({"is_set", "done", "exists", "loaded", "is_loaded", "is_ready"})


_HANDS_OVER: Final = frozenset({"submit", "apply_async", "run_in_executor"})
"""What a pool is asked to run runs, be the pool one that was made here."""


class Methods(Expressions):
    """Works calls of methods out."""

    def method(self, node: ast.Call, owner: Value, name: str, state: State) -> Value | None:
        """Call a method of what is not of the module; None where it is looked up like any attribute."""
        line = node.lineno
        assert isinstance(node.func, ast.Attribute)
        if name in ("acquire", "release", "__enter__", "__exit__"):
            lock = self.as_lock(node.func.value, owner)
            if lock is not None:
                return self._lock(lock, name, node, state)
        if name in ("enter_context", "enter_async_context") and node.args:
            value = self.value(node.args[0], state)
            lock = self.as_lock(node.args[0], value)
            if lock is not None:
                state.taken(Held(lock, self.number(), line))
            return value
        if isinstance(owner, Holder) and name in ("get", "set"):
            slot = Slot(owner.name, "value", owner.reach)
            if name == "get":
                return self.stored(slot, state)
            self.publish(slot, self.value(node.args[0], state) if node.args else UNKNOWN, line, state)
            return UNKNOWN
        if isinstance(owner, Container) or (isinstance(owner, Stored) and name in ("get", "setdefault")):
            return self._of_container(node, owner, name, state)
        if isinstance(owner, Stored) and name == "set" and not node.args:  # an event
            self.publish(owner.slot, Constant(True), line, state)
            return UNKNOWN
        if isinstance(owner, LockValue) and name in _HANDS_OVER:
            return self._in_turn(node, owner, state)
        if isinstance(owner, Stored) and name in _PEEKS:
            return Test(frozenset({owner.slot}), owner.regions, owner.order, False)
        if isinstance(owner, Named) and name in ("is_set", "set") and not owner.name.count("."):
            slot = Slot("", owner.name)
            if name == "is_set":
                return Test(frozenset({slot}), state.regions, self.number(), False)
            self.publish(slot, Constant(True), line, state)
            return UNKNOWN
        if isinstance(owner, Fresh | Stored) and load_call(f".{name}") is None and name not in _HANDS_OVER:
            for each in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.value(each, state)
            if name in FINISHING:
                self.touch(owner, f".{name}()", line, state)
                return owner
            return UNKNOWN if isinstance(owner, Stored) else owner
        return None

    def _in_turn(self, node: ast.Call, pool: LockValue, state: State) -> Value | None:
        """Let a pool of one thread run a function: one call after the other."""
        given = [self.value(each, state) for each in node.args]
        if not given or not isinstance(given[0], Function):
            return None
        held = Held(pool, self.number(), node.lineno)
        state.taken(held)
        result = self.enter(given[0], given[1:], {}, node.lineno, state)
        state.let_go(held.region)
        return result

    def _lock(self, lock: LockValue, name: str, node: ast.Call, state: State) -> Value:
        if name in ("release", "__exit__"):
            for held in reversed(state.held):
                if held.lock == lock or held.lock.name == lock.name:
                    state.let_go(held.region)
                    break
            return UNKNOWN
        options = {each.arg: each.value for each in node.keywords}
        first = node.args[0] if node.args else options.get("blocking")
        limited = "timeout" in options or len(node.args) > 1
        tries = isinstance(first, ast.Constant) and first.value is False
        if tries or limited or (first is not None and not isinstance(first, ast.Constant)):
            return Acquired(lock, node.lineno, not tries)
        state.taken(Held(lock, self.number(), node.lineno))
        return Constant(True)

    def _of_container(self, node: ast.Call, owner: Container | Stored, name: str, state: State) -> Value:
        line = node.lineno
        given = [self.value(each, state) for each in node.args]
        for each in node.keywords:
            self.value(each.value, state)
        slot = Slot(str(owner.slot), "[…]", owner.slot.reach)
        makes = owner.makes if isinstance(owner, Container) else None
        if name in ("get", "setdefault", "pop", "__getitem__", "peek"):
            fallback = given[1] if name == "setdefault" and len(given) > 1 else None
            if isinstance(fallback, LockValue):  # setdefault keeps the first, whoever comes at once
                return replace(fallback, reach=owner.slot.reach, per_key=True)
            if fallback is not None:
                self.publish(slot, fallback, line, state)
            return makes if makes is not None else self.read(slot, state)
        if name in ("append", "add", "update", "put", "__setitem__", "insert") and given:
            self.publish(slot, given[-1], line, state)
        return UNKNOWN
