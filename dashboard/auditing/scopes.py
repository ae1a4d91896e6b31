"""What stands in the source before it is run: whose the names are, which functions there are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dashboard.auditing.load_names import load_call
from dashboard.auditing.values import Def, Function
from dashboard.auditing.vocabulary import lock_kind

__all__ = ["Declared", "Scopes", "dotted", "own_nodes"]

_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Declared:
    """The names of one function: its own, and those that it says are another's."""

    own: frozenset[str] = frozenset()
    globals: frozenset[str] = frozenset()
    nonlocals: frozenset[str] = frozenset()
    lent: frozenset[str] = frozenset()
    """Its own names that functions within it assign to."""
    encloses: bool = False
    """Whether other functions stand in it."""


_NONE: Final = Declared()


class Scopes:
    """Looks into a module once, and answers from then on."""

    def __init__(self, module: ast.Module) -> None:
        self.module = module
        self._declared: dict[int, Declared] = {}
        self._class_names: dict[int, frozenset[str]] = {}
        self.functions: list[tuple[str, Def]] = []
        self.rewritten: set[str] = set()
        self.loading: set[int] = set()
        self.called_by: dict[int, set[str]] = {}
        self.loading_classes: set[str] = set()
        self._scan(module)

    def _scan(self, module: ast.Module) -> None:
        waiting: list[tuple[ast.AST, str, str]] = [(module, "", "")]
        loads: dict[int, bool] = {}
        around: dict[int, list[int]] = {}
        while waiting:
            scope, prefix, of_class = waiting.pop()
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                self.functions.append((prefix, scope))
                self.rewritten |= self._declare(scope).globals
                calls = {
                    name for node in own_nodes(scope) if isinstance(node, ast.Call) for name in _called(node)
                }
                if of_class and "cls" in calls:
                    calls.add(of_class)
                self.called_by[id(scope)] = {name.rpartition(".")[2] for name in calls}
                loads[id(scope)] = any((found := load_call(name)) and found.weight > 1 for name in calls)
                if of_class and (loads[id(scope)] or any(_a_lock(name) for name in calls)):
                    self.loading_classes.add(of_class)
            owner = scope.name if isinstance(scope, ast.ClassDef) else ""
            for node in own_nodes(scope):
                if isinstance(node, _SCOPES):
                    name = getattr(node, "name", "<lambda>")
                    waiting.append((node, f"{prefix}.{name}" if prefix else name, owner))
                    around[id(node)] = [id(scope)]
        self._spread(loads, around)

    def _spread(self, loads: dict[int, bool], callers: dict[int, list[int]]) -> None:
        """Find the functions that load by way of others: those that they call, or that stand in them."""
        named: dict[str, list[int]] = {}
        for name, node in self.functions:
            named.setdefault(name.rpartition(".")[2], []).append(id(node))
            if name.endswith(("__init__", "__new__")) and "." in name:
                named.setdefault(name.split(".")[-2], []).append(id(node))
        for caller, names in self.called_by.items():
            for name in names:
                for called in named.get(name, ()):
                    callers.setdefault(called, []).append(caller)
        found = [node for node, own in loads.items() if own]
        while found:
            one = found.pop()
            if one not in self.loading:
                self.loading.add(one)
                found += callers.get(one, ())

    def declared(self, function: Function | None) -> Declared:
        """Return the names of a function; none for the module."""
        return _NONE if function is None else self._declare(function.node)

    def _declare(self, node: Def) -> Declared:
        found = self._declared.get(id(node))
        if found is None:
            found = self._declared[id(node)] = _declared(node)
        return found

    def class_names(self, node: ast.ClassDef) -> frozenset[str]:
        """Return the names that stand in the body of a class."""
        found = self._class_names.get(id(node))
        if found is None:
            found = self._class_names[id(node)] = frozenset(_bound(node))
        return found


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a scope itself; of the scopes in it only their beginning."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def dotted(node: ast.AST) -> str:
    """Return a name with dots as it is written; what stands in for other expressions is left out."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            break
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _called(node: ast.Call) -> Iterator[str]:
    """What a call calls: its function, and those that it is given, which it may run."""
    yield dotted(node.func)
    for given in (*node.args, *(keyword.value for keyword in node.keywords)):
        if isinstance(given, ast.Name | ast.Attribute):
            yield dotted(given)


def _a_lock(name: str) -> bool:
    return any(
        lock_kind(f"{package}.{name.rpartition('.')[2]}", None) for package in ("threading", "asyncio")
    )


def _declared(node: Def) -> Declared:
    arguments = node.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    own = {each.arg for each in (*every, arguments.vararg, arguments.kwarg) if each is not None}
    own |= set(_bound(node))
    shared = {name for each in own_nodes(node) if isinstance(each, ast.Global) for name in each.names}
    outer = {name for each in own_nodes(node) if isinstance(each, ast.Nonlocal) for name in each.names}
    own -= shared | outer
    lent = {name for each in ast.walk(node) if isinstance(each, ast.Nonlocal) for name in each.names}
    encloses = any(isinstance(each, _SCOPES) for each in own_nodes(node))
    return Declared(frozenset(own), frozenset(shared), frozenset(outer), frozenset(lent & own), encloses)


def _bound(scope: ast.AST) -> Iterator[str]:
    for node in own_nodes(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
