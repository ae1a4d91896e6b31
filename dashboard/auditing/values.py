"""What an expression of the audited source may be worth: locks, places that outlive a call, instances."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = [
    "NOTHING",
    "UNKNOWN",
    "Acquired",
    "Check",
    "ClassValue",
    "Constant",
    "Container",
    "Frame",
    "Fresh",
    "Function",
    "Guarded",
    "Held",
    "Holder",
    "Instance",
    "Items",
    "LockValue",
    "Named",
    "Reach",
    "Slot",
    "Stored",
    "Test",
    "Unknown",
    "Value",
    "joined",
    "written",
]

Reach = Literal["shared", "call", "thread", "request", "unknown"]
"""Who sees one and the same object: every call, this call only, one thread, one request, nobody can tell."""

LockKind = Literal["thread", "async", "cache", "single-flight", "several", "unknown"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where something is kept: a module's global, an attribute, an item of a dict."""

    owner: str
    name: str
    reach: Reach = "shared"

    def __str__(self) -> str:
        if not self.owner:
            return self.name
        return f"{self.owner}{self.name}" if self.name.startswith("[") else f"{self.owner}.{self.name}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else. `text` is how the source writes it, where that may still tell something."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal of the source."""

    value: object

    @property
    def empty(self) -> bool:
        """Whether it stands for "not there yet"."""
        return not self.value


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a call has just made. `loads` are the loads that it came of, by their place in the trace."""

    line: int
    loads: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Stored:
    """What was read out of a slot, while these locks were held. `eager`: put there by the import."""

    slot: Slot
    regions: frozenset[int] = frozenset()
    order: int = 0
    eager: bool = False


@dataclass(frozen=True, slots=True)
class LockValue:
    """A lock, or what is used as one.

    Attributes:
        line: where it was made; 0 where that is in another file.
        per_key: it is one of many, chosen by a key.
    """

    kind: LockKind
    reach: Reach
    line: int
    name: str
    per_key: bool = False
    column: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a function. `imported`: made while the module was imported, so there is one of it."""

    number: int
    function: str
    imported: bool
    outer: Frame | None = None
    names: frozenset[str] = frozenset()
    shared_names: frozenset[str] = frozenset()
    """Local names that inner functions assign to (`nonlocal`)."""


Def = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the module, with what it closes over.

    Attributes:
        kind: how it is reached: `context` is a generator that `with` runs.
        under: what a decorator holds while it runs, as a lock.
        defaults: values of parameters, made once when the function was defined.
    """

    node: Def
    name: str
    frame: Frame | None = None
    owner: ClassValue | None = None
    bound: Value | None = None
    kind: Literal["plain", "static", "class", "property", "context"] = "plain"
    under: tuple[LockValue, ...] = ()
    defaults: tuple[tuple[str, Value], ...] = ()
    given: tuple[Value, ...] = ()
    """Arguments that `partial` has fixed."""


@dataclass(frozen=True, slots=True)
class ClassValue:
    """A class of the module."""

    node: ast.ClassDef
    name: str
    bases: tuple[ClassValue, ...] = ()
    frame: Frame | None = None
    meta: Value | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the module; `key` tells it from others."""

    of: ClassValue
    key: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Named:
    """Something of another module, by its full name."""

    name: str


@dataclass(frozen=True, slots=True)
class Holder:
    """An object whose attributes each thread, or each request, has for itself."""

    name: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Container:
    """A dict, list or set.

    Attributes:
        makes: what it puts where nothing is (a defaultdict of locks).
        locks: those that stand in it by their keys, beside what is none.
    """

    slot: Slot
    makes: Value | None = None
    locks: tuple[tuple[object, LockValue], ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """A truth value that tells whether something is there yet. `empty_if`: None where both may mean that."""

    slots: frozenset[Slot]
    regions: frozenset[int]
    order: int
    empty_if: bool | None


@dataclass(frozen=True, slots=True)
class Acquired:
    """What `acquire` returned. `waits`: it came back only with the lock."""

    lock: LockValue
    line: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Guarded:
    """A loader that loads exactly once by its own means: ours, or a method of it. Each one by itself."""

    name: str
    reach: Reach = "shared"
    line: int = 0


Value = (
    Unknown
    | Constant
    | Fresh
    | Stored
    | LockValue
    | Function
    | ClassValue
    | Instance
    | Named
    | Holder
    | Container
    | Items
    | Test
    | Acquired
    | Guarded
)

UNKNOWN: Final = Unknown()
NOTHING: Final = Constant(None)


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that is held. `region` tells this stretch of holding it from every other one."""

    lock: LockValue
    region: int
    line: int
    waited: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """On this way a slot was found empty, by a look at `order` while these locks were held."""

    slot: Slot
    regions: frozenset[int] = field(compare=True)
    order: int = 0


def joined(one: Value, other: Value) -> Value:
    """Return what a name is worth after two ways that left it different."""
    if one == other:
        return one
    for value, rest in ((one, other), (other, one)):
        if (isinstance(value, Constant) and value.empty) or isinstance(value, Unknown):
            return rest
    for value in (one, other):
        if isinstance(value, Fresh):
            loads = frozenset[int]().union(*(each.loads for each in (one, other) if isinstance(each, Fresh)))
            return Fresh(value.line, loads)
    if isinstance(one, LockValue) and isinstance(other, LockValue):
        return other if one.reach == "shared" else one  # the worse of the two
    return one


def written(value: Value) -> str:
    """Return how the source writes what is of another file."""
    return value.name if isinstance(value, Named) else value.text if isinstance(value, Unknown) else ""
