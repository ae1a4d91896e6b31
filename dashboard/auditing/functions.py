"""Functions and classes of the module: made with their decorators, and run with their parameters."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from dashboard.auditing.calls import Calls
from dashboard.auditing.memory import Call, meeting
from dashboard.auditing.scopes import dotted
from dashboard.auditing.state import State, met
from dashboard.auditing.values import UNKNOWN, ClassValue, Def, Frame, Function, Held, Slot, Value, written
from dashboard.auditing.vocabulary import HOOKS, STARTUP

__all__ = ["Functions"]

_DEEPEST: Final = 12


class Functions(Calls):
    """Makes functions and classes, and runs functions."""

    def run(self, body: Sequence[ast.stmt], state: State) -> None:
        """Run statements one after the other, until the way ends."""
        raise NotImplementedError

    def enter(
        self, function: Function, given: list[Value], named: dict[str, Value], line: int, state: State
    ) -> Value:
        """Run a function of the module; what it leaves behind is left in `state`."""
        running = any(
            call.function is not None and call.function.node is function.node for call in self.calls
        )
        if running or len(self.calls) > _DEEPEST:
            self.trace.cut = self.trace.cut or not running
            return UNKNOWN
        self.trace.visited.add(id(function.node))
        regions = [Held(lock, self.number(), lock.line) for lock in function.under]
        for held in regions:
            state.taken(held)
        result = self._run_function(function, [*function.given, *given], named, state)
        for held in regions:
            state.let_go(held.region)
        return result

    def _run_function(
        self, function: Function, given: list[Value], named: dict[str, Value], state: State
    ) -> Value:
        declared = self.scopes.declared(function)
        frame = Frame(
            self.number(), function.name, self.importing, function.frame, declared.own, declared.lent
        )
        subject = function.bound if function.bound is not None else self.call.subject
        call = Call(frame, function, subject)
        self.calls.append(call)
        try:
            self.give(function, given, named, state)
            if isinstance(function.node, ast.Lambda):
                return self.value(function.node.body, state)
            self.run(function.node.body, state)
        finally:
            self.calls.pop()
        ways = [*(each for each, _ in call.returns), *([state.copy()] if state.alive else [])]
        self.step(sum(len(way.names) + len(way.slots) for way in ways))
        path, alive = state.path, bool(ways)
        if ways:
            state.become(met(*ways))
        state.path, state.alive = (path if len(ways) > 1 else state.path), alive
        state.held = tuple(held for held in state.held if held.region not in call.regions)
        if not declared.encloses:  # nobody else knows its names
            state.names = {name: kept for name, kept in state.names.items() if name[0] != frame.number}
        return meeting(value for _, value in call.returns)

    def give(self, function: Function, given: list[Value], named: dict[str, Value], state: State) -> None:
        """Bind the parameters."""
        arguments = function.node.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        values = [*([function.bound] if function.bound is not None else []), *given]
        bound = dict(function.defaults) | dict(zip(names, values, strict=False)) | named
        for name in (*names, *(each.arg for each in arguments.kwonlyargs)):
            if name in bound:
                self.assign(name, bound[name], function.node.lineno, state)

    def define(self, node: Def, state: State) -> Value:
        """Make a function, as its definition does: its defaults and its decorators run now."""
        call = self.call
        names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
        defaults = [self.value(each, state) for each in node.args.defaults]
        pairs = list(zip(names[len(names) - len(defaults) :], defaults, strict=False))
        for each, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if default is not None:
                pairs.append((each.arg, self.value(default, state)))
        label = getattr(node, "name", "<lambda>")
        name = f"{call.klass.name}.{label}" if call.klass is not None else label
        frame = call.frame.outer if call.klass is not None else call.frame
        made = Function(node, name, frame, call.klass, defaults=tuple(pairs))
        if label in ("__new__", "__init_subclass__", "__class_getitem__"):
            made = replace(made, kind="plain")
        self.defined.setdefault(id(node), made)
        if self.importing and label in HOOKS and call.klass is None:
            self.startup.append(made)
        if isinstance(node, ast.Lambda):
            return made
        result: Value = made
        for decorator in reversed(node.decorator_list):
            result = self._decorated(result, decorator, made, state)
        if isinstance(result, Function):
            self.defined[id(node)] = result
        return result

    def _decorated(self, value: Value, decorator: ast.expr, made: Function, state: State) -> Value:
        text = dotted(decorator)
        last = text.rpartition(".")[2]
        if isinstance(value, Function) and text in ("staticmethod", "classmethod", "property"):
            kind = {"staticmethod": "static", "classmethod": "class", "property": "property"}[text]
            return replace(value, kind=kind)  # type: ignore[arg-type]  # one of the three
        by = self.value(decorator, state)
        if self.importing and (STARTUP.search(text) or _startup_event(decorator)):
            self.startup.append(made)
        if last in ("contextmanager", "asynccontextmanager"):
            if self.importing and STARTUP.search(made.name):
                self.startup.append(made)
            return replace(value, kind="context") if isinstance(value, Function) else value
        if isinstance(by, Function):
            result = self.enter(by, [value], {}, decorator.lineno, state)
            return result if isinstance(result, Function) else value
        return self.wrapped(written(by) or text, value, decorator.lineno)

    def make_class(self, node: ast.ClassDef, state: State) -> None:
        """Make a class, as its definition does."""
        bases = tuple(
            base for base in (self.value(each, state) for each in node.bases) if isinstance(base, ClassValue)
        )
        metas = [self.value(each.value, state) for each in node.keywords if each.arg == "metaclass"]
        made = ClassValue(node, node.name, bases, self.call.frame, metas[0] if metas else None)
        self.classes.setdefault(node.name, made)
        names = self.scopes.class_names(node)
        frame = Frame(self.number(), node.name, self.importing, self.call.frame, names)
        self.calls.append(Call(frame, klass=made))
        try:
            self.run(node.body, state)
        finally:
            self.calls.pop()
        for name in names:
            kept = state.names.get((frame.number, name))
            if kept is not None:
                slot = Slot(node.name, name)
                self.publish(slot, kept, node.lineno, state)
                if self.importing or isinstance(kept, Function):
                    self.shared[slot] = state.slots[slot]  # methods are called before the import is over
        value: Value = made
        for decorator in reversed(node.decorator_list):
            by = self.value(decorator, state)
            if isinstance(by, Function):
                value = self.enter(by, [value], {}, node.lineno, state)
        self.assign(node.name, value, node.lineno, state)


def _startup_event(node: ast.expr) -> bool:
    words = node.args if isinstance(node, ast.Call) else []
    return any(
        isinstance(each, ast.Constant) and each.value in ("startup", "before_server_start") for each in words
    )
