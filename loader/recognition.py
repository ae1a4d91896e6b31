"""Tells from the errors of any load what waiters shall be told: which are ours to name, and in which words.

Imports nothing heavy. What only the LLaVA load can meet is named in `loader.load_faults`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loader.errors import LoaderError, LoadFailed, MetaTensorError
from loader.versions import versions

__all__ = ["meta_tensor_error", "recognise"]

_NO_DATA: Final = ("copy out of meta tensor", "is on the meta device", "on device meta", "tensor on meta")
_BLAMED: Final = ("torch", "transformers")
_SHOWN: Final = 3  # names in a message; the count tells the rest


def recognise(error: BaseException, model: str) -> Exception:
    """Return the error that waiters shall get for `error`: itself, or ours where we know what it means.

    Torch's own words about tensors without data become `MetaTensorError`; `SystemExit` and its like, which
    must end no waiting thread, become `LoadFailed`. The original stays the cause.
    """
    if isinstance(error, LoaderError):
        return error
    known: LoadFailed
    if any(words in str(error) for words in _NO_DATA):
        known = meta_tensor_error(model, (), said=str(error))
    elif not isinstance(error, Exception):
        known = LoadFailed(
            f"The load of {model} ended with {type(error).__name__}({error}). "
            "A load function must return the model or raise an Exception."
        )
    else:
        return error
    known.__cause__ = error
    return known


def meta_tensor_error(
    model: str, tensors: Sequence[str], *, said: str = "", device_map: object = None
) -> MetaTensorError:
    """Return the error about tensors without data, with the cures that are known.

    Args:
        model: the model's name.
        tensors: names of the tensors, if they are known.
        said: what a library said, if they are not.
        device_map: what was asked for, or what the model has; None if neither is known.
    """
    which = f"{len(tensors)} of its tensors ({named(tensors)} on the meta device)" if tensors else (
        f"some of its tensors ({said})"
    )  # fmt: skip
    installed = versions()
    libraries = ", ".join(f"{name} {number}" for name, number in installed.items() if name in _BLAMED)
    mapped = "" if device_map is None else f", device map {device_map}"
    return MetaTensorError(
        f"{model} was loaded without data in {which}; {libraries or 'torch unknown'}{mapped}. "
        "Most often two loads overlapped: restart the process, and let every load go through one gate "
        "(an OnceLoader, or loader.guard_transformers()). If a single load does it: give every module a "
        "place in the device map, or use LOADONCE_DEVICE_MAP=cpu; or install the PyTorch version that this "
        "transformers was made for. to_empty() only makes room: without weights read into it afterwards the "
        "model is untrained."
    )


def named(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
