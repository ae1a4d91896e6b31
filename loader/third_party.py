"""Makes loads that others start go through the process gate too: `guard_transformers()`.

    OnceLoader ──────────────┐
    from_pretrained() ───────┼──> PROCESS_GATE ──> one load at a time
    SentenceTransformer() ───┘

A function is replaced where it is looked up at each call: on its class, or in the module whose other
functions call it. So it does not matter who has imported what before, but for the few names that
`guard_transformers()` tells.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from loader.gate import PROCESS_GATE

__all__ = ["guard_transformers"]

_LOG: Final = logging.getLogger("loader")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A way into a load: functions of a module, or of classes in it.

    `contexts` tells those that are context managers: the gate is held until they are left.
    """

    module: str
    owners: tuple[str, ...]
    functions: tuple[str, ...]
    contexts: bool = False


_REQUIRED: Final = (
    # Every Auto… class, pipeline and subclass ends here
    _Entry("transformers.modeling_utils", ("PreTrainedModel",), ("from_pretrained", "_from_config")),
    _Entry("transformers.integrations.peft", ("PeftAdapterMixin",), ("load_adapter",)),
    _Entry("accelerate", ("",), ("load_checkpoint_and_dispatch",)),
    _Entry("accelerate.big_modeling", ("",), ("load_checkpoint_and_dispatch", "load_checkpoint_in_model")),
    # What init_empty_weights() does its work with, under whichever name that was imported
    _Entry("accelerate.big_modeling", ("",), ("init_on_device",), contexts=True),
)
_OPTIONAL: Final = (
    _Entry("diffusers.models.modeling_utils", ("ModelMixin",), ("from_pretrained",)),
    _Entry(
        "sentence_transformers",
        ("SentenceTransformer", "CrossEncoder", "SparseEncoder", "MultiVectorEncoder"),
        ("__init__",),
    ),
    _Entry("peft", ("PeftModel", "PeftMixedModel"), ("from_pretrained", "load_adapter")),
    _Entry("peft.utils.integrations", ("",), ("_init_on_device",), contexts=True),  # as accelerate's
)


def guard_transformers() -> Callable[[], None]:
    """Make loads that others start go through the process gate too; returns a function that undoes it.

    Guards `from_pretrained()` and `from_config()` of every transformers model, accelerate's
    `load_checkpoint_and_dispatch()` and `init_empty_weights()`, and, where they are installed, diffusers'
    models, SentenceTransformer and its kin, and peft's models. They are imported for that, which takes
    seconds, so call it once, at the start.

    It may be called again: the guard stays until each caller has undone its own, in any order, and undoing
    twice is as undoing once. If other code has replaced a guarded function meanwhile, its replacement stays,
    and ours beneath it lets everything pass.

    What it cannot reach: accelerate's `init_on_device` and `load_checkpoint_and_dispatch`, if they were
    imported by name before (the reading inside the latter is guarded all the same); and code that swaps the
    same globals itself.

    Threading: any thread. A guarded call blocks while another load runs.
    """
    guards: list[_Guard] = []
    for entry in _REQUIRED:
        guards += _guards_of(entry, importlib.import_module(entry.module))
    for entry in _OPTIONAL:
        module = _optional(entry.module)
        if module is not None:
            guards += _guards_of(entry, module)
    with _lock:
        for guard in guards:
            guard.add()

    def undo() -> None:
        with _lock:
            while guards:
                guards.pop().remove()

    return undo


class _Guard:
    """One function behind the gate, for as long as somebody wants it there."""

    def __init__(self, owner: Any, name: str, contexts: bool) -> None:
        self._owner, self._name, self._contexts = owner, name, contexts
        self._wanted = 0
        self._found: Any = None
        self._ours: Any = None

    def add(self) -> None:
        """Put it behind the gate, unless it is. Under the lock."""
        self._wanted += 1
        found = vars(self._owner)[self._name]
        if found is not self._ours:
            # Where other code has replaced ours, this goes on top of it; two holds of one load are as one
            self._found, self._ours = found, self._wrapped(found)
            setattr(self._owner, self._name, self._ours)

    def remove(self) -> None:
        """Take it from behind the gate if nobody wants it there any more. Under the lock."""
        self._wanted -= 1
        if self._wanted == 0 and vars(self._owner)[self._name] is self._ours:
            setattr(self._owner, self._name, self._found)
            self._found = self._ours = None

    def _wrapped(self, found: Any) -> Any:
        function = found.__func__ if isinstance(found, classmethod) else found
        holder = f"{getattr(self._owner, '__name__', self._owner)}.{self._name}()"

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self._wanted:
                return function(*args, **kwargs)
            with PROCESS_GATE.hold(holder):
                return function(*args, **kwargs)

        @functools.wraps(function)
        @contextmanager
        def context(*args: Any, **kwargs: Any) -> Iterator[Any]:
            if not self._wanted:
                with function(*args, **kwargs) as value:
                    yield value
                return
            with PROCESS_GATE.hold(holder), function(*args, **kwargs) as value:
                yield value

        guarded = context if self._contexts else call
        return classmethod(guarded) if isinstance(found, classmethod) else guarded


_lock = threading.Lock()  # guards who wants what: a guard is put on, or taken off, by one at a time
_known: Final[dict[tuple[Any, str], _Guard]] = {}


def _guards_of(entry: _Entry, module: Any) -> Iterator[_Guard]:
    for name in entry.owners:
        owner = getattr(module, name, None) if name else module
        for function in entry.functions:
            if owner is not None and function in vars(owner):  # other versions of a library lack some
                yield _known.setdefault((owner, function), _Guard(owner, function, entry.contexts))


def _optional(module: str) -> Any:
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        return None
    try:
        return importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - a broken library that nobody may use: say so, and go on
        _LOG.warning("%s is installed but cannot be imported, and is not guarded: %r", module, error)
        return None


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
