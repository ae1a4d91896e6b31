"""The process globals that transformers and accelerate swap while they load, and whether they came back.

`from_pretrained` replaces functions of torch and transformers for the time of a load and puts back what it
found. Two loads that overlap can put back each other's replacement, which then stays for good: layers are
made without data, in a foreign dtype, and every later load fails. Reading these globals costs microseconds.

Nothing is imported here: what has not been imported cannot have been swapped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Fingerprint", "fingerprint"]

_WATCHED: Final = (
    ("torch", ("linspace", "empty", "zeros", "ones", "full", "arange")),
    (
        "torch.nn.init",
        (
            "uniform_",
            "normal_",
            "constant_",
            "ones_",
            "zeros_",
            "eye_",
            "dirac_",
            "xavier_uniform_",
            "xavier_normal_",
            "kaiming_uniform_",
            "kaiming_normal_",
            "trunc_normal_",
            "orthogonal_",
            "sparse_",
        ),
    ),
    ("torch.nn.modules.module.Module", ("register_parameter", "register_buffer")),
    ("transformers.modeling_utils.PreTrainedModel", ("tie_weights", "init_weights", "_initialize_weights")),
)
# Where the temporary replacements are defined: one of them outside a load was left behind.
_SWAPPERS: Final = ("transformers.initialization", "transformers.modeling_utils", "accelerate.big_modeling")
_DTYPE: Final = "torch.get_default_dtype()"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the watched globals were at one moment, by name."""

    values: Mapping[str, object]

    def differs_from(self, earlier: Fingerprint) -> tuple[str, ...]:
        """Return the names that hold something else than they did in `earlier`; new names do not count."""
        return tuple(
            name
            for name, value in self.values.items()
            if name in earlier.values and earlier.values[name] is not value
        )

    def left_behind(self) -> tuple[str, ...]:
        """Return the names that hold a replacement which belongs into a load and nowhere else."""
        return tuple(name for name, value in self.values.items() if _is_replacement(value))

    def restore(self) -> None:
        """Put these values back. Only for a forked child, whose parent's load can never do it."""
        for name, value in self.values.items():
            if name == _DTYPE:
                sys.modules["torch"].set_default_dtype(value)
                continue
            path, _, attribute = name.rpartition(".")
            owner = _owner(path)
            if owner is not None:
                setattr(owner, attribute, value)


def fingerprint() -> Fingerprint:
    """Read the watched globals of this process. Any thread; some microseconds; imports nothing."""
    return Fingerprint(dict(_read()))


def _read() -> Iterator[tuple[str, object]]:
    for path, names in _WATCHED:
        owner = _owner(path)
        if owner is None:
            continue
        for name in names:
            # A class is read through its dict, where a function is not bound anew each time
            value = vars(owner).get(name)
            if value is not None:
                yield f"{path}.{name}", value
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_default_dtype"):
        yield _DTYPE, torch.get_default_dtype()


def _owner(path: str) -> Any:
    module = sys.modules.get(path)
    if module is not None:
        return module
    parent, _, name = path.rpartition(".")
    return getattr(sys.modules.get(parent), name, None)


def _is_replacement(value: object) -> bool:
    return getattr(value, "__module__", None) in _SWAPPERS and "<locals>" in getattr(
        value, "__qualname__", ""
    )
