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

_INIT: Final = (
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
)
# Modules that have imported some of those by name, in which transformers swaps them, too
_INIT_BY_NAME: Final = (
    "activation",
    "transformer",
    "linear",
    "loss",
    "batchnorm",
    "conv",
    "normalization",
    "rnn",
    "sparse",
)
# As in transformers 5.23, accelerate 1.15 and peft 0.21. Two things that they swap are not here: classes for
# which an application has registered a replacement of its own with transformers, and what deepspeed swaps.
_WATCHED: Final = (
    ("torch", ("linspace", "empty", "zeros", "ones", "full", "arange")),
    ("torch.nn.init", _INIT),
    *((f"torch.nn.modules.{module}", _INIT) for module in _INIT_BY_NAME),
    ("torch.nn.modules.module.Module", ("register_parameter", "register_buffer")),
    ("transformers.modeling_utils.PreTrainedModel", ("tie_weights", "init_weights", "_initialize_weights")),
    ("transformers.modeling_utils", ("_is_quantized", "_is_ds_init_called")),
    ("transformers.integrations.hub_kernels", ("ALLOW_ALL_KERNELS",)),
    ("accelerate.big_modeling", ("check_device_map",)),
)
_SWAPPERS: Final = ("transformers", "accelerate", "peft", "diffusers")
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
        return tuple(name for name, value in self.values.items() if _is_replacement(name, value))

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


def _is_replacement(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value  # each of these flags is true during a load only
    library = str(getattr(value, "__module__", None)).partition(".")[0]
    if library not in _SWAPPERS:
        return False
    # Nothing of theirs belongs into torch; among their own functions the replacements are made on the spot
    return name.startswith("torch.") or "<locals>" in getattr(value, "__qualname__", "")
