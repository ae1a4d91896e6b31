"""Conditions: which ways lead on from them, and what was looked at there."""

from __future__ import annotations

import ast
from dataclasses import replace

from dashboard.auditing.memory import Memory, meeting
from dashboard.auditing.state import State, met
from dashboard.auditing.values import (
    UNKNOWN,
    Acquired,
    Check,
    Constant,
    Container,
    Fresh,
    Held,
    Named,
    Slot,
    Stored,
    Test,
    Value,
)

__all__ = ["Truths"]


class Truths(Memory):
    """Works conditions out."""

    def value(self, node: ast.expr | None, state: State) -> Value:
        """Work an expression out."""
        raise NotImplementedError

    def item_slot(self, owner: Value, key: Value) -> Slot | None:
        """Return the slot that an item is; None where nothing is kept."""
        raise NotImplementedError

    def truth(self, node: ast.expr, state: State) -> Value:
        """Work out a comparison, `not`, `and`, `or`."""
        if isinstance(node, ast.BoolOp):
            return self._either(node, state)
        if isinstance(node, ast.UnaryOp):
            found = self._asked(self.value(node.operand, state), state)
            if isinstance(found, Test):
                return replace(found, empty_if=None if found.empty_if is None else not found.empty_if)
            return UNKNOWN
        assert isinstance(node, ast.Compare)
        left = self.value(node.left, state)
        rights = [self.value(each, state) for each in node.comparators]
        operator, right = node.ops[0], rights[0]
        if isinstance(operator, ast.In | ast.NotIn):
            slot = self.item_slot(right, left)
            if slot is None:
                return UNKNOWN
            return Test(frozenset({slot}), state.regions, self.number(), isinstance(operator, ast.NotIn))
        if isinstance(left, Constant) and isinstance(right, Stored):
            left, right = right, left
        if not isinstance(left, Stored):
            return UNKNOWN
        empty = isinstance(right, Constant) and right.empty and not isinstance(right.value, str)
        same = isinstance(operator, ast.Is | ast.Eq)
        sentinel = isinstance(operator, ast.Is | ast.IsNot) and isinstance(right, Named | Stored | Fresh)
        told = same if empty or sentinel else None
        return Test(frozenset({left.slot}), left.regions, left.order, told)

    def _either(self, node: ast.BoolOp, state: State) -> Value:
        """`a or b`, `a and b` as a value: b only where it is reached."""
        worth, tests, rest = list[Value](), list[Test](), state
        for number, each in enumerate(node.values):
            if number == len(node.values) - 1:
                last = self.value(each, rest)
                worth.append(last)
                tests += [last] if isinstance(last, Test) else []
                break
            found = self.value(each, rest)
            worth.append(found)
            tests += [found] if isinstance(found, Test) else []
            yes, no = self.split(found, rest)
            rest = no if isinstance(node.op, ast.Or) else yes
        if rest is not state:
            state.become(met(state, rest))
        if tests and len(tests) == len(worth):
            slots = frozenset[Slot]().union(*(test.slots for test in tests))
            regions = frozenset.intersection(*(test.regions for test in tests))
            return Test(slots, regions, tests[0].order, tests[0].empty_if)
        return meeting(reversed(worth)) if isinstance(node.op, ast.Or) else worth[-1]

    def branch(self, test: ast.expr, state: State) -> tuple[State, State]:
        """Work a condition out, and return the ways on: where it is true, where it is false."""
        asked = list[Test]()
        self.step(len(state.names) + len(state.slots))  # both are copied for each way
        yes, no = self._ways(test, state, asked)
        slots = frozenset[Slot]().union(*(each.slots for each in asked))
        if slots:
            self.note("test", test.lineno, state, slots=slots)
        fork = self.number()
        yes.path, no.path = (*state.path, (fork, 0)), (*state.path, (fork, 1))
        return yes, no

    def _ways(self, test: ast.expr, state: State, asked: list[Test]) -> tuple[State, State]:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yes, no = self._ways(test.operand, state, asked)
            return no, yes
        if isinstance(test, ast.BoolOp):
            going, left = state, list[State]()
            for each in test.values:
                yes, no = self._ways(each, going, asked)
                going, out = (yes, no) if isinstance(test.op, ast.And) else (no, yes)
                left.append(out)
            gone = met(*left)
            # One thing of several that belong together is missing: that was looked at, whichever it is
            gone.checks = gone.checks.union(*(each.checks for each in left))
            return (going, gone) if isinstance(test.op, ast.And) else (gone, going)
        if isinstance(test, ast.Constant):
            yes, no = state.copy(), state.copy()
            yes.alive, no.alive = state.alive and bool(test.value), state.alive and not test.value
            return yes, no
        found = self._asked(self.value(test, state), state)
        if isinstance(found, Test):
            asked.append(found)
        return self.split(found, state)

    def _asked(self, found: Value, state: State) -> Value:
        """Return what a value tells as a condition: what is kept, or is in a list, is there or is not."""
        if isinstance(found, Stored):
            return Test(frozenset({found.slot}), found.regions, found.order, False)
        if isinstance(found, Container) and (slot := self.item_slot(found, UNKNOWN)) is not None:
            return Test(frozenset({slot}), state.regions, self.number(), False)
        return found

    def split(self, found: Value, state: State) -> tuple[State, State]:
        """Return the ways on after a truth value."""
        yes, no = state.copy(), state.copy()
        found = self._asked(found, state)
        if isinstance(found, Test):
            checks = frozenset(Check(slot, found.regions, found.order) for slot in found.slots)
            if found.empty_if is not False:
                yes.checks |= checks
            if found.empty_if is not True:
                no.checks |= checks
        elif isinstance(found, Acquired):
            yes.taken(Held(found.lock, self.number(), found.line, found.waits))
        return yes, no
