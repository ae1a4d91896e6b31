"""The abstract run: statements, functions, classes; first of the import, then of single calls."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from dashboard.auditing.functions import Functions
from dashboard.auditing.memory import Call, TooMuch
from dashboard.auditing.scopes import Scopes, dotted
from dashboard.auditing.state import State, met
from dashboard.auditing.trace import Trace
from dashboard.auditing.values import (
    UNKNOWN,
    Check,
    ClassValue,
    Constant,
    Frame,
    Function,
    Held,
    Instance,
    LockValue,
    Named,
    Reach,
    Stored,
    Test,
    Value,
)

__all__ = ["Program"]

_MISSES: Final = ("KeyError", "AttributeError", "NameError", "LookupError", "IndexError", "Exception")


class Program(Functions):
    """Runs a module without running it."""

    def __init__(self, scopes: Scopes) -> None:
        super().__init__(scopes)
        state = State()
        self.run(scopes.module.body, state)
        for hook in self.startup:
            self.enter(hook, [], {}, 0, state)
        self.shared, self._names = state.slots, state.names
        self.eager, self.guarded = self.trace.visited, self.trace.guarded
        self.making = "call"

    def trace_of(self, function: Function | ClassValue | Instance, *, own: Reach = "call") -> Trace:
        """Return what one call of many does. `own`: who shares the object that the call belongs to."""
        self.grant()
        self.trace, self.recording, self.making = Trace(), True, "call"
        try:
            self.trace.returned = self._called(function, own, State(names=dict(self._names)))
        except TooMuch:
            self.trace.cut = True
            del self.calls[1:]
        self.recording, self.making = False, "call"
        return self.trace

    def _called(self, function: Function | ClassValue | Instance, own: Reach, state: State) -> Value:
        if isinstance(function, ClassValue):
            self.making = own
            return self.make(function, [], {}, function.node.lineno, state)
        if isinstance(function, Instance):
            method = self.attribute(function, "__call__", state, 0)
            return self.enter(method, [], {}, 0, state) if isinstance(method, Function) else UNKNOWN
        if function.bound is None and function.owner is not None and function.kind != "static":
            function = replace(function, bound=self._subject(function, own, state))
        return self.enter(function, [], {}, function.node.lineno, state)

    def _subject(self, function: Function, own: Reach, state: State) -> Value:
        """Return the object that a method is called on: the module's own, else one that nobody knows."""
        of = function.owner
        assert of is not None  # only methods are asked about
        if function.kind == "class" or function.name.endswith("__new__"):
            return of
        for found in self.instances.values():
            if found.reach == "shared" and self.derives(found.of, of):
                return found
        self.recording, self.making = False, own
        made = Instance(of, f"{of.name}#{self.number()}", own)
        starter = self._of_class(of, "__init__")
        if starter is not None and not function.name.endswith("__init__"):
            self.enter(replace(starter, bound=made), [], {}, 0, state)
        self.shared = self.shared | {
            slot: value for slot, value in state.slots.items() if slot.owner == made.key
        }
        state.slots.clear()
        self.recording, self.making = True, "call"
        return made

    def member(self, value: Value, name: str) -> Value | None:
        """Return what `value.name` was when the import was over; None where there is nothing."""
        if not isinstance(value, Instance | ClassValue | Named):
            return None
        if isinstance(value, ClassValue | Instance):
            of = value.of if isinstance(value, Instance) else value
            slot = self.attribute_slot(value, name)
            if self.holder_of(of, name) is None and slot not in self.shared:
                return None
        return self.attribute(value, name, State(), 0)

    # -- statements -----------------------------------------------------------------------------------------

    def run(self, body: Sequence[ast.stmt], state: State) -> None:
        """Run statements one after the other, until the way ends."""
        for statement in body:
            if not state.alive:
                return
            self.step()
            self._statement(statement, state)

    def _statement(self, node: ast.stmt, state: State) -> None:
        if isinstance(node, ast.Expr):
            self.value(node.value, state)
        elif isinstance(node, ast.Assign):
            value = self.value(node.value, state)
            for target in node.targets:
                self.bind(target, value, node.lineno, state)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.bind(node.target, self.value(node.value, state), node.lineno, state)
        elif isinstance(node, ast.AugAssign):
            self.value(node.value, state)
            self.bind(node.target, UNKNOWN, node.lineno, state)
        elif isinstance(node, ast.If):
            yes, no = self.branch(node.test, state)
            self.run(node.body, yes)
            self.run(node.orelse, no)
            state.become(met(yes, no))
        elif isinstance(node, ast.With | ast.AsyncWith):
            self._with(node, state)
        elif isinstance(node, ast.Return):
            value = self.value(node.value, state)
            self.call.returns.append((state.copy(), value))
            state.alive = False
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.assign(node.name, self.define(node, state), node.lineno, state)
        elif isinstance(node, ast.ClassDef):
            self.make_class(node, state)
        else:
            self._other_statement(node, state)

    def _other_statement(self, node: ast.stmt, state: State) -> None:
        if isinstance(node, ast.While | ast.For | ast.AsyncFor):
            self._loop(node, state)
        elif isinstance(node, ast.Try | ast.TryStar):
            self._try(node, state)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.split(".")[0]
                self.assign(alias.asname or name, Named(name), node.lineno, state)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                self.assign(alias.asname or alias.name, Named(f"{module}.{alias.name}"), node.lineno, state)
        elif isinstance(node, ast.Raise):
            self.value(node.exc, state)
            state.alive = False
        elif isinstance(node, ast.Break | ast.Continue):
            if self.call.breaks:
                self.call.breaks[-1].append(state.copy())
            state.alive = False
        elif isinstance(node, ast.Match):
            self._match(node, state)
        elif isinstance(node, ast.Assert):
            yes, _ = self.branch(node.test, state)
            state.become(yes)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self.bind(target, Constant(None), node.lineno, state)

    def _loop(self, node: ast.While | ast.For | ast.AsyncFor, state: State) -> None:
        self.call.breaks.append([])
        if isinstance(node, ast.While):
            body, done = self.branch(node.test, state)
        else:
            self.bind(node.target, _element(self.value(node.iter, state)), node.lineno, state)
            body, done = state.copy(), state.copy()
        self.run(node.body, body)
        self.run(node.orelse, done)
        left = self.call.breaks.pop()
        if isinstance(node, ast.While) and not isinstance(node.test, ast.Constant):
            # Nobody leaves it without having looked: the last time is what counts
            body = self.branch(node.test, body)[1]
            body.checks |= {each for each in done.checks if _known_of(each, body)}
        state.become(met(body, done, *left))

    def _match(self, node: ast.Match, state: State) -> None:
        subject = self.value(node.subject, state)
        ways = []
        fork = self.number()
        for arm, case in enumerate(node.cases):
            way = state.copy()
            way.path = (*state.path, (fork, arm))
            if isinstance(subject, Stored):
                empty = isinstance(case.pattern, ast.MatchSingleton) and case.pattern.value is None
                test = Test(frozenset({subject.slot}), subject.regions, subject.order, empty or None)
                way = self.split(test, way)[0]
            self.run(case.body, way)
            ways.append(way)
        state.become(met(state, *ways))

    def _try(self, node: ast.Try | ast.TryStar, state: State) -> None:
        begin, returned = state.copy(), len(self.call.returns)
        fork = self.number()
        body = state.copy()
        body.path = (*state.path, (fork, 0))
        first = self.number()
        self.run(node.body, body)
        after = body.copy()
        self.run(node.orelse, after)
        ways = [after]
        for arm, handler in enumerate(node.handlers, 1):
            way = begin.copy()
            way.alive, way.path = begin.alive, (*state.path, (fork, arm))
            if any(name in _MISSES for name in _names_of(handler.type)):
                way.checks |= self._missed(node.body, begin, first)
            self.run(handler.body, way)
            ways.append(way)
        end = met(*ways)
        if node.finalbody:
            for number in range(returned, len(self.call.returns)):
                way, value = self.call.returns[number]
                self._quietly(node.finalbody, way)
                self.call.returns[number] = (way, value)
            gone, end.alive = not end.alive, True
            self.run(node.finalbody, end)
            end.alive = end.alive and not gone
        state.become(end)

    def _missed(self, body: Sequence[ast.stmt], begin: State, first: int) -> frozenset[Check]:
        """What `try: return _cache[key]` looks at, for the handler that comes when it is not there."""
        read = [
            each
            for statement in body
            for each in ast.walk(statement)
            if isinstance(each, ast.Subscript | ast.Attribute | ast.Name)
        ]
        found = set[Check]()
        recording, self.recording = self.recording, False
        for node in read[:20]:
            value = self.value(node, begin.copy()) if isinstance(node.ctx, ast.Load) else UNKNOWN
            if isinstance(value, Stored):
                found.add(Check(value.slot, begin.regions, first))
        self.recording = recording
        return frozenset(found)

    def _quietly(self, body: Sequence[ast.stmt], state: State) -> None:
        recording, self.recording = self.recording, False
        self.run(body, state)
        self.recording = recording

    # -- with -----------------------------------------------------------------------------------------------

    def _with(self, node: ast.With | ast.AsyncWith, state: State) -> None:
        before = {held.region for held in state.held}
        leaving: list[tuple[Function, Instance]] = []
        for item in node.items:
            value = self._context(item.context_expr, state)
            lock = self.as_lock(item.context_expr, value)
            if lock is not None:
                self._hold(lock, node.lineno, state)
            elif isinstance(value, Instance):
                start, end = (self._of_class(value.of, name) for name in ("__enter__", "__exit__"))
                if start is not None:
                    self.enter(replace(start, bound=value), [], {}, node.lineno, state)
                if end is not None:
                    leaving.append((end, value))
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, node.lineno, state)
        taken = {held.region for held in state.held} - before
        self.call.regions |= taken
        self.run(node.body, state)
        # An ExitStack lets go of what it was given in the body, too
        stacked = {held.region for held in state.held} - before if _is_stack(node) else set()
        for region in taken | stacked:
            state.let_go(region)
        for end, subject in leaving:
            self.enter(replace(end, bound=subject), [], {}, node.lineno, state)

    def _context(self, node: ast.expr, state: State) -> Value:
        """Work out what `with` is given; a generator of the module runs up to its `yield`."""
        called = node.func if isinstance(node, ast.Call) else None
        function = self.value(called, state) if isinstance(called, ast.Name | ast.Attribute) else UNKNOWN
        if isinstance(function, Function) and function.kind == "context":
            inner = state.copy()
            call = Call(
                Frame(
                    self.number(),
                    function.name,
                    self.importing,
                    function.frame,
                    self.scopes.declared(function).own,
                ),
                function,
                function.bound or UNKNOWN,
            )
            self.trace.visited.add(id(function.node))
            self.calls.append(call)
            try:
                assert isinstance(node, ast.Call)
                self.give(function, [self.value(each, state) for each in node.args], {}, inner)
                if not isinstance(function.node, ast.Lambda):
                    self.run(function.node.body, inner)
            finally:
                self.calls.pop()
            if call.yielded is not None:
                for held in call.yielded.held:
                    if held not in state.held:
                        state.taken(held)
            return UNKNOWN
        return self.value(node, state)

    def _hold(self, lock: LockValue, line: int, state: State) -> None:
        state.taken(Held(lock, self.number(), line))


def _element(value: Value) -> Value:
    return UNKNOWN


def _names_of(node: ast.expr | None) -> list[str]:
    if node is None:
        return ["Exception"]
    return [
        dotted(each).rpartition(".")[2] for each in (node.elts if isinstance(node, ast.Tuple) else [node])
    ]


def _is_stack(node: ast.With | ast.AsyncWith) -> bool:
    return any(dotted(item.context_expr).endswith("ExitStack") for item in node.items)


def _known_of(check: Check, state: State) -> bool:
    """Whether a slot was looked at on this way, too, with the same locks held."""
    return any(each.slot == check.slot and each.regions == check.regions for each in state.checks)
