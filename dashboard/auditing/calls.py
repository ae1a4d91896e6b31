"""What a call does: it takes a lock, loads a model, makes an object, or runs a function of the module."""

from __future__ import annotations

import ast
from dataclasses import replace

from dashboard.auditing.load_names import load_call
from dashboard.auditing.memory import loads_of
from dashboard.auditing.methods import Methods
from dashboard.auditing.scopes import dotted
from dashboard.auditing.state import State
from dashboard.auditing.values import (
    UNKNOWN,
    ClassValue,
    Constant,
    Container,
    Fresh,
    Function,
    Guarded,
    Held,
    Holder,
    Instance,
    Items,
    LockValue,
    Named,
    Slot,
    Stored,
    Test,
    Value,
)
from dashboard.auditing.vocabulary import (
    ACROSS_PROCESSES,
    CACHES,
    CHEAP,
    FINISHING,
    GETTERS,
    HARMLESS,
    HOLDERS,
    LOOKS_LIKE_A_GUARD,
    MAKES_CONTAINERS,
    MAKES_OBJECTS,
    OURS,
    POOLS,
    SINGLE_FLIGHT,
    STARTUP,
    TAKES_FUNCTIONS,
    lock_kind,
)

__all__ = ["Calls"]


class Calls(Methods):
    """Works calls out."""

    def invoke(self, node: ast.Call, state: State) -> Value:
        """Call what an expression calls."""
        line = node.lineno
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value, state)
            done = self.method(node, owner, node.func.attr, state)
            if done is not None:
                return done
            called = self.attribute(owner, node.func.attr, state, line)
            if isinstance(owner, Instance) and node.func.attr in FINISHING:
                self._finished(owner, node.func.attr, line, state)
        else:
            owner, called = UNKNOWN, self.value(node.func, state)
        given = [self.value(each, state) for each in node.args]
        named = {each.arg or "**": self.value(each.value, state) for each in node.keywords}
        return self.apply(called, node, given, named, state)

    def _finished(self, model: Instance, name: str, line: int, state: State) -> None:
        """A model of a class of the module is finished by its own method, perhaps where others find it."""
        slots = frozenset(slot for slot, kept in state.slots.items() if kept == model)
        if slots and model.of.name not in self.scopes.loading_classes:
            self.note("touch", line, state, what=f".{name}()", slots=slots)

    def apply(
        self, called: Value, node: ast.Call, given: list[Value], named: dict[str, Value], state: State
    ) -> Value:
        """Call a value with arguments that are worked out already."""
        line = node.lineno
        if isinstance(called, Function):
            before = self.number()
            result = self.enter(called, given, named, line, state)
            return self._by_name(called, before, result, line, state)
        if isinstance(called, ClassValue):
            return self.make(called, given, named, line, state)
        if isinstance(called, Guarded):
            return self._by_ours(called, line, state)
        if isinstance(called, Instance):
            method = self.attribute(called, "__call__", state, line)
            return self.enter(method, given, named, line, state) if isinstance(method, Function) else UNKNOWN
        if isinstance(called, Named):
            return self._named(called.name, node, given, named, state)
        return self._strange(dotted(node.func), node, given, named, state)

    def _by_name(self, called: Function, before: int, result: Value, line: int, state: State) -> Value:
        """A function of the module that is called like a load, and in which none was seen, is one itself."""
        name = called.name.rpartition(".")[2]
        found = load_call(name)
        if (
            found is None
            or found.weight != 2
            or self.newest_load > before
            or not isinstance(result, Fresh | Instance)
        ):
            return result
        regions = [Held(lock, self.number(), lock.line) for lock in called.under]
        for held in regions:
            state.taken(held)
        made = self._load(f"{name}()", line, 2, transformers=False, state=state)
        for held in regions:
            state.let_go(held.region)
        return made

    def _load(self, what: str, line: int, weight: int, *, transformers: bool, state: State) -> Fresh:
        self.loads_at_import = self.loads_at_import or self.importing
        order = self.note("load", line, state, what=what, weight=weight, transformers=transformers)
        return Fresh(line, frozenset({order}))

    def make(
        self, of: ClassValue, given: list[Value], named: dict[str, Value], line: int, state: State
    ) -> Value:
        """Make an object of a class of the module, by its metaclass where it has one."""
        if isinstance(of.meta, ClassValue) and (maker := self._of_class(of.meta, "__call__")) is not None:
            return self.enter(replace(maker, bound=of), given, named, line, state)
        if isinstance(of.meta, Named) and LOOKS_LIKE_A_GUARD.search(of.meta.name):
            region = self.number()
            state.taken(Held(LockValue("unknown", "unknown", line, of.meta.name), region, line))
            result = self._made(of, given, named, line, state)
            state.let_go(region)
            return result
        return self._made(of, given, named, line, state)

    def _made(
        self, of: ClassValue, given: list[Value], named: dict[str, Value], line: int, state: State
    ) -> Value:
        made: Value = Instance(of, f"{of.name}#{self.number()}", self.making)
        maker = self._of_class(of, "__new__")
        if maker is not None:
            made = self.enter(replace(maker, bound=of), given, named, line, state)
            if isinstance(made, Stored):  # kept from an earlier call
                made = self.instances.get(of.name) or Instance(of, str(made.slot), made.slot.reach)
        if isinstance(made, Instance):
            if self.importing:
                self.instances.setdefault(of.name, made)
            self._fields(of, made, line, state)
            starter = self._of_class(of, "__init__")
            if starter is not None:
                self.enter(replace(starter, bound=made), given, named, line, state)
        return made

    def _fields(self, of: ClassValue, made: Instance, line: int, state: State) -> None:
        """Give an object of a dataclass what its fields make for each."""
        for name in self.scopes.class_names(of.node):
            field = self.shared.get(Slot(of.name, name))
            if isinstance(field, Items) and field.parts[:1] == (Named("dataclasses.field"),):
                factory = field.parts[1]
                kind = lock_kind(factory.name, None) if isinstance(factory, Named) else None
                worth: Value = UNKNOWN if kind is None else LockValue(kind, self.making, of.node.lineno, name)
                self.publish(Slot(made.key, name, made.reach), worth, line, state)

    def _of_class(self, of: ClassValue, name: str) -> Function | None:
        holder = self.holder_of(of, name)
        found = self.shared.get(Slot(holder.name, name)) if holder is not None else None
        return found if isinstance(found, Function) else None

    # -- functions of other modules -------------------------------------------------------------------------

    def _named(
        self, name: str, node: ast.Call, given: list[Value], named: dict[str, Value], state: State
    ) -> Value:
        line, last = node.lineno, name.rpartition(".")[2]
        amount = given[0] if given else named.get("value", Constant(None))
        kind = lock_kind(name, amount.value if isinstance(amount, Constant) else "?")
        if self.importing and name in POOLS and Constant(1) in (amount, named.get("max_workers")):
            kind = "thread"  # its one thread takes one call after the other
        if kind is not None:
            everywhere = name.startswith(ACROSS_PROCESSES)
            return LockValue(kind, "shared" if everywhere else self.making, line, "", column=node.col_offset)
        if name in OURS:
            return self._ours(name, [*given, *named.values()], line, state)
        if name in HOLDERS:
            return Holder(last, "thread" if HOLDERS[name] == "thread" else "request")
        if name in MAKES_CONTAINERS:
            makes = given[0] if given and name.endswith("defaultdict") else None
            lock = lock_kind(makes.name, None) if isinstance(makes, Named) else None
            made = LockValue(lock, self.making, line, "", per_key=True) if lock is not None else None
            return Container(Slot("{}", str(line), self.making), made)
        if name in CACHES | SINGLE_FLIGHT or HARMLESS.search(name):
            name = "single-flight" if "condition" in named else name
            return self.wrapped(name, given[0], line) if _function(given) else Named(name)
        if name == "dataclasses.field":
            return Items((Named(name), named.get("default_factory", UNKNOWN)))
        if name == "super.__call__" and isinstance(self.call.subject, ClassValue):
            return self._made(self.call.subject, given, named, line, state)
        if name in MAKES_OBJECTS:
            of = given[0] if given else UNKNOWN
            return (
                Instance(of, f"{of.name}#{self.number()}", self.making)
                if isinstance(of, ClassValue)
                else UNKNOWN
            )
        if name in ("getattr", "hasattr", "setattr", "delattr") and len(given) > 1:
            return self._by_text(name, given, line, state)
        if name in ("len", "bool", "id") and given and isinstance(given[0], Stored | Test):
            return given[0]
        if name == "isinstance" and given and isinstance(given[0], Stored):
            return Test(frozenset({given[0].slot}), given[0].regions, given[0].order, None)
        if name == "super":
            return Named("super")
        if name == "globals":
            return Named("globals()")
        if name == "type" and given and isinstance(given[0], Instance):
            return given[0].of
        return self._strange(name, node, given, named, state)

    def _ours(self, name: str, given: list[Value], line: int, state: State) -> Value:
        """A loader that is known to load once: what it is given to load with runs under its guard."""
        reach = "shared" if name in GETTERS else self.making
        if reach != "shared":
            return Guarded(name, reach, line)
        self.trace.guarded.append(name)
        for each in given:
            if isinstance(each, Function):
                self.under(LockValue("single-flight", "shared", line, name), each, [], {}, line, state)
        return Guarded(name)

    def _by_ours(self, called: Guarded, line: int, state: State) -> Value:
        """Ask a loader of ours for its model: one that only this call has guards nothing."""
        last = called.name.rpartition(".")[2]
        if called.reach == "shared":
            self.trace.guarded.append(called.name)
            return UNKNOWN
        region = self.number()
        state.taken(Held(LockValue("thread", called.reach, called.line, last), region, called.line))
        made = self._load(f"{last}.get()", line, 3, transformers=False, state=state)
        state.let_go(region)
        return made

    def _by_text(self, name: str, given: list[Value], line: int, state: State) -> Value:
        owner, attribute = given[0], given[1]
        if not isinstance(attribute, Constant):
            return UNKNOWN
        slot = self.attribute_slot(owner, str(attribute.value))
        if slot is None or name == "delattr":
            return UNKNOWN
        if name == "hasattr":
            return Test(frozenset({slot}), state.regions, self.number(), False)
        if name == "setattr":
            self.publish(slot, given[2] if len(given) > 2 else UNKNOWN, line, state)
            return UNKNOWN
        return self.attribute(owner, str(attribute.value), state, line)

    def _strange(
        self, name: str, node: ast.Call, given: list[Value], named: dict[str, Value], state: State
    ) -> Value:
        """Call what is of another file, and may be anything."""
        line, last = node.lineno, name.rpartition(".")[2]
        functions = [each for each in (*given, *named.values()) if isinstance(each, Function)]
        if self.importing and functions:
            hooks = given[1:] if given[:1] == [Constant("startup")] else []
            hooks += [each for key, each in named.items() if STARTUP.search(key)]
            self.startup += [each for each in hooks if isinstance(each, Function)]
        if functions and not (self.importing and last not in TAKES_FUNCTIONS):
            return self._hands_over(name, functions, given, named, line, state)
        if functions and LOOKS_LIKE_A_GUARD.search(last):
            return self.wrapped(name, functions[0], line)
        found = load_call(name)
        if last in TAKES_FUNCTIONS:
            handed = [each.name for each in given if isinstance(each, Named) and load_call(each.name)]
            if handed:
                name, last = handed[0], handed[0].rpartition(".")[2]
                found = load_call(name)
        if found is not None:
            what = f"{dotted(node.func) or last}()"
            return self._load(what, line, found.weight, transformers=found.transformers, state=state)
        if CHEAP.fullmatch(name):
            return UNKNOWN
        for each in (*given, *named.values()):
            if isinstance(each, Stored | Fresh):
                self.touch(each, f"{last}()", line, state, certain=False)
        made = self.note("load", line, state, what=f"{last}()")
        return Fresh(line, loads_of(*given) | {made})

    def _hands_over(
        self,
        name: str,
        functions: list[Function],
        given: list[Value],
        named: dict[str, Value],
        line: int,
        state: State,
    ) -> Value:
        """Call what calls the functions that it is given: a thread, a pool, or nobody knows what."""
        last = name.rpartition(".")[2]
        if last == "partial" and isinstance(given[0], Function):
            return replace(given[0], given=tuple(given[1:]))
        result: Value = UNKNOWN
        for function in functions:
            if last in TAKES_FUNCTIONS:
                place = given.index(function) if function in given else len(given)
                result = self.enter(function, given[place + 1 :], {}, line, state)
            else:
                lock = LockValue("unknown", "unknown", line, name)
                result = self.under(lock, function, [], {}, line, state)
        return result

    # -- guards ---------------------------------------------------------------------------------------------

    def wrapped(self, name: str, function: Value, line: int) -> Value:
        """Return a function as a decorator of another module leaves it."""
        if not isinstance(function, Function):
            return function
        last = name.rpartition(".")[2]
        if name in SINGLE_FLIGHT or name == "single-flight":
            lock = LockValue("single-flight", "shared", line, name)
        elif name in CACHES:
            lock = LockValue("cache", "shared", line, last)
            if last == "cached_property":
                return replace(function, under=(*function.under, lock), kind="property")
        elif HARMLESS.search(name) or not LOOKS_LIKE_A_GUARD.search(last):
            return function
        else:
            lock = LockValue("unknown", "unknown", line, last)
        return replace(function, under=(*function.under, lock))

    def under(
        self,
        lock: LockValue,
        function: Function,
        given: list[Value],
        named: dict[str, Value],
        line: int,
        state: State,
    ) -> Value:
        """Run a function while a guard is held."""
        region = self.number()
        state.taken(Held(lock, region, line))
        result = self.enter(function, given, named, line, state)
        state.let_go(region)
        return result


def _function(given: list[Value]) -> bool:
    return bool(given) and isinstance(given[0], Function)
