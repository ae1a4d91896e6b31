"""The audit of one source: which of its functions load, what each does, what is wrong with it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

from dashboard.auditing.findings import Audit, Finding
from dashboard.auditing.load_rules import Entry
from dashboard.auditing.memory import TooMuch
from dashboard.auditing.program import Program
from dashboard.auditing.rules import given_at_import, judge, loads_in
from dashboard.auditing.scopes import Scopes, own_nodes
from dashboard.auditing.trace import Event, Trace
from dashboard.auditing.values import (
    ClassValue,
    Constant,
    Container,
    Def,
    Function,
    Guarded,
    Held,
    Instance,
    Items,
    LockValue,
    Named,
    Reach,
    Slot,
    Value,
)
from dashboard.auditing.vocabulary import A_MODEL, OURS

__all__ = ["MOST_BYTES", "NoSuchCallable", "SourceError", "audit_source"]

MOST_BYTES: Final = 4 * 1024 * 1024
_BUILDER: Final = re.compile(
    r"_*(?:load|build|create|make|init|setup|from|prepare|download|convert|main|test|run)"
)


class SourceError(Exception):
    """The source is no Python that can be read: one sentence that names it."""


class NoSuchCallable(Exception):
    """The callable that was asked for is not in the source."""


def audit_source(source: bytes, place: str, name: str | None = None) -> Audit:
    """Audit a source; `name` is the function, method or object that loads, else all that do are found.

    The source is read, never run. Blocks for seconds at most, however large it is.

    Raises:
        SourceError: it is no Python. NoSuchCallable: it has nothing of that name that can be called.
    """
    if len(source) > MOST_BYTES:
        why = f"The source has {len(source):,} bytes; more than {MOST_BYTES:,} are not followed."
        return Audit(place, (), (Finding("unknown", 1, False, why),))
    text, module = _parsed(source, place)
    lines = tuple(text.splitlines())
    try:
        functions, findings = _Reader(module).audited(name)
    except (TooMuch, RecursionError):
        why = "There is more in this source, or it is nested deeper, than can be followed: read it by hand."
        return Audit(place, (), (Finding("unknown", 1, False, why),), lines)
    except NoSuchCallable:
        raise
    except Exception as error:  # noqa: BLE001 - a probe's verdict, or a page, must not fall with its source
        why = f"The audit stumbled over this source ({type(error).__name__}: {error}): please report it."
        return Audit(place, (), (Finding("unknown", 1, False, why),), lines)
    return Audit(place, functions, findings, lines)


def _parsed(source: bytes, place: str) -> tuple[str, ast.Module]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the source's own escapes, which is not ours to judge
            encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
            text = source.decode(encoding)
            return text, ast.parse(source, filename=place)
    except SyntaxError as error:
        old = re.search(
            rb"^\s*(?:print\s+[\"'\w]|exec\s+[\"'\w]|except\s+\w+\s*,\s*\w+\s*:)", source, re.MULTILINE
        )
        hint = " It looks like Python 2, which is not audited." if old else ""
        where = f", line {error.lineno}" if error.lineno else ""
        raise SourceError(f"{place}{where}: this is no Python ({error.msg}).{hint}") from error
    except (ValueError, LookupError) as error:
        raise SourceError(f"{place}: this is no Python source ({error}).") from error
    except (RecursionError, MemoryError) as error:
        raise SourceError(f"{place}: it is nested too deep for Python's own parser.") from error


class _Reader:
    """Finds the functions that load, and audits each."""

    def __init__(self, module: ast.Module) -> None:
        self.scopes = Scopes(module)
        self.program = Program(self.scopes)
        self.gated = any(
            getattr(node, "id", getattr(node, "attr", "")) == "guard_transformers"
            for node in ast.walk(module)
        )

    def audited(self, name: str | None) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        """Return what was audited, and what was found there."""
        asked = [] if name is None else [self._asked(name)]
        others = list(self._loading())
        if name is None and not others:
            others = [entry for entry in self._entries(self.scopes.functions) if _lazy(entry)]
        entries = asked or others
        found = [finding for entry in entries for finding in judge(entry)]
        if not self.gated:
            found += _several(entries, [*entries, *others])
        if not entries and not self._eager():
            text = "No function here is known to load a model. Name the one that does with --callable."
            found.append(Finding("unknown", 1, False, text))
        best: dict[tuple[str, int], Finding] = {}
        for finding in found:
            key = (finding.code, finding.line)
            if key not in best or (finding.certain and not best[key].certain):
                best[key] = finding
        ordered = sorted(best.values(), key=lambda finding: (finding.line, finding.code))
        return tuple(dict.fromkeys(name for each in entries for name in self._names(each))), tuple(ordered)

    def _names(self, entry: Entry) -> Iterator[str]:
        """Yield who loads, as the source calls it: not who asks for it, but who keeps what was loaded."""
        if entry.asked:
            yield entry.name
            return
        for load in loads_in(entry):
            kept = [event for event in entry.trace.of("publish") if event.may_follow(load)]
            yield self._around(kept[0].line if kept else load.line) or entry.name

    def _around(self, line: int) -> str:
        """Return the innermost function that a line stands in; nothing for a line of the module itself."""
        within = [
            (node.lineno, name)
            for name, node in self.scopes.functions
            if node.lineno <= line <= (node.end_lineno or 0) and not isinstance(node, ast.Lambda)
        ]
        return max(within)[1] if within else ""

    def _eager(self) -> bool:
        """Whether the import itself loads, or makes what a function gives away; or a loader of ours does."""
        if self.program.loads_at_import or self.program.guarded:
            return True
        return any(given_at_import(entry) for entry in self._entries(self.scopes.functions))

    # -- the one that was asked for -------------------------------------------------------------------------

    def _asked(self, name: str) -> Entry:
        first, *rest = name.split(".")
        value: Value | None = self.program.shared.get(Slot("", first))
        for part in rest:
            value = None if value is None else self.program.member(value, part)
        if isinstance(value, Function | ClassValue | Instance):
            return self._entry(name, value, asked=True)
        if value is None:
            raise NoSuchCallable(
                f"has no {name} at module level. Name a function, a method or a class of it."
            )
        if isinstance(value, Constant | Container | Items | LockValue):
            raise NoSuchCallable(f"has {name}, which cannot be called. Name a function of it.")
        # Imported, or made by a call of something of another file: what it does stands there
        ours = isinstance(value, Guarded) or (isinstance(value, Named) and value.name in OURS)
        trace = Trace(guarded=[name] if ours else [])
        return Entry(name, self._line_of(first), trace, asked=True)

    def _line_of(self, name: str) -> int:
        """Return where a name of the module was first given its value."""
        for node in own_nodes(self.scopes.module):
            if isinstance(node, ast.Import | ast.ImportFrom):
                if any(name == (alias.asname or alias.name.split(".")[0]) for alias in node.names):
                    return int(node.lineno)
            elif isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
                return int(node.lineno)
        return 1

    # -- all that load --------------------------------------------------------------------------------------

    def _loading(self) -> Iterator[Entry]:
        """Yield the functions that load: first those that no other of them calls, then what is left."""
        functions = [pair for pair in self.scopes.functions if id(pair[1]) in self.scopes.loading]
        called = set[str]()
        for _, node in functions:
            own = getattr(node, "name", "<lambda>")
            called |= self.scopes.called_by[id(node)] - {own}

        def rank(pair: tuple[str, Def]) -> int:
            around, _, last = pair[0].rpartition(".")
            # What stands in a function is met with its names, and a constructor with the call that makes one
            return 2 if around in names or last in ("__init__", "__new__") else int(last in called)

        names = {name for name, _ in self.scopes.functions}

        for entry in self._entries(sorted(functions, key=rank)):
            if loads_in(entry) or entry.trace.guarded or entry.trace.cut:
                yield entry

    def _entries(self, pairs: Iterable[tuple[str, Def]]) -> Iterator[Entry]:
        seen = set(self.program.eager)
        for name, node in pairs:
            if id(node) in seen:
                continue
            function = self.program.defined.get(id(node)) or Function(node, name)
            made = function.owner is not None and name.endswith((".__init__", ".__new__"))
            entry = self._entry(name, function.owner if made and function.owner else function, asked=False)
            seen |= entry.trace.visited
            yield entry

    def _entry(self, name: str, value: Function | ClassValue | Instance, *, asked: bool) -> Entry:
        own: Reach = "call" if asked else "unknown"
        if isinstance(value, Function) and value.owner is not None:
            own = "call" if self._made_in_calls(value.owner) else "unknown"
        trace = self.program.trace_of(value, own=own)
        line = value.node.lineno if isinstance(value, Function | ClassValue) else value.of.node.lineno
        builder = isinstance(value, ClassValue) or _BUILDER.match(name.rpartition(".")[2]) is not None
        return Entry(name, line, trace, asked, builder)

    def _made_in_calls(self, of: ClassValue) -> bool:
        """Whether functions of the module make objects of a class, and the module itself makes none."""
        return any(of.name in names for names in self.scopes.called_by.values())


def _lazy(entry: Entry) -> bool:
    """Whether a call makes something once, and keeps it: what is loaded, be it by no known name."""
    loads = loads_in(entry)
    if any(event.kind == "load" and event.weight > 1 for event in loads):
        return True
    kept = [event for event in loads if event.kind == "publish"]
    if any(A_MODEL.search(word) for event in kept for word in (event.what, entry.name)):
        return True
    return A_MODEL.search(entry.name) is not None and any(
        held.lock.kind == "cache" for event in entry.trace.of("load") for held in event.held
    )


def _several(entries: Iterable[Entry], others: Iterable[Entry]) -> Iterator[Finding]:
    """Yield loads through transformers that two locks guard: overlapping, they break each other."""
    mine = [load for entry in entries for load in _guarded(entry)]
    every = list(dict.fromkeys([*mine, *(load for entry in others for load in _guarded(entry))]))
    for one, other in combinations(every, 2):
        if mine and one not in mine and other not in mine:
            continue
        if not _locks(one) & _locks(other):
            later = max((one, other), key=lambda load: _lock(load).line)
            first = one if later is other else other
            ours, theirs = _lock(later).lock.name, _lock(first).lock.name
            yield Finding(
                "several-locks",
                _lock(later).line,
                True,
                f"{later.what} is loaded under {ours}, and {first.what} (line {first.line}) under {theirs}: "
                "at once, the two break each other. Use one lock for all that goes through transformers.",
            )
    for load in mine:
        if all(held.lock.per_key for held in load.held if held.lock.kind == "thread"):
            yield Finding(
                "several-locks",
                _lock(load).line,
                False,
                f"{_lock(load).lock.name} is one of several locks, one for each key: two models may load at "
                "once, and through transformers they break each other. Use one lock for all of them.",
            )


def _guarded(entry: Entry) -> Iterator[Event]:
    for load in loads_in(entry):
        if load.transformers and any(
            held.lock.kind == "thread" and held.lock.reach == "shared" for held in load.held
        ):
            yield load


def _lock(load: Event) -> Held:
    return next(held for held in load.held if held.lock.kind == "thread" and held.lock.reach == "shared")


def _locks(load: Event) -> set[tuple[int, int]]:
    return {(held.lock.line, held.lock.column) for held in load.held if held.lock.kind == "thread"}
