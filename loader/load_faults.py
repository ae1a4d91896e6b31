"""Names the faults of a LLaVA load: which error of this package stands for what a library raised.

The libraries tell the same fault in many ways: an `OSError` with a number, a `RuntimeError` with a sentence,
a `SafetensorError` from Rust, and often wrapped in another. What is not recognised stays what it is.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from loader.checkpoint_folder import check_checkpoint, shards_of
from loader.errors import (
    CorruptCheckpoint,
    DeviceMapError,
    LoaderError,
    NoPermission,
    OutOfDisk,
    OutOfMemory,
    ResourceError,
    WeightsMismatch,
)
from loader.recognition import named, recognise

__all__ = ["name_fault", "naming_faults", "verify_weights"]

_NO_MEMORY: Final = (
    "can't allocate memory",  # torch's allocator for the CPU
    "cannot allocate memory",  # the system's words, also through Rust
    "not enough memory",
    "out of memory",  # CUDA
    "bad_alloc",
)
_NO_THREAD: Final = ("can't start new thread",)
_NO_DISK: Final = ("no space left on device", "file too large", "disk quota exceeded")
_NO_ACCESS: Final = ("permission denied", "read-only file system")
_DISK_NUMBERS: Final = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_ACCESS_NUMBERS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
_DAMAGED: Final = (
    "SafetensorError",
    "UnpicklingError",
    "JSONDecodeError",
    "EOFError",
    "StrictDataclassFieldValidationError",  # a configuration whose values contradict each other
    "StrictDataclassClassValidationError",
)
_LONGEST: Final = 250  # characters of a library's own words in a message; the cause has them all


@contextmanager
def naming_faults(model: str) -> Iterator[list[Path]]:
    """Raise this package's error, from the original, for each fault inside that is recognised.

    Whoever knows the checkpoint's folder appends it to the list: then a damaged file is looked for.
    """
    folders: list[Path] = []
    try:
        yield folders
    except LoaderError:
        raise
    except Exception as error:
        known = name_fault(error, model, folders[-1] if folders else None)
        if known is None:
            raise
        raise known from error


def name_fault(error: Exception, model: str, folder: Path | None = None) -> LoaderError | None:
    """Return the error of this package that `error` means, or None if it is not recognised."""
    chain = list(_chain(error))
    said = " ".join(str(link) for link in chain).lower()
    first = _in_short(error)
    starved = any(isinstance(link, MemoryError) or _has(link, errno.ENOMEM) for link in chain)
    if starved or _in(said, _NO_MEMORY):
        return OutOfMemory(
            f"There is not enough memory to load {model} ({first}). Give the process or container more, "
            "free the GPU, or ask for less: LOADONCE_DTYPE=bfloat16, or a device map with disk in it."
        )
    if _in(said, _NO_THREAD):
        return ResourceError(
            f"This process may start no more threads, which the load of {model} needs ({first}). "
            "Raise the container's limit of processes (--pids-limit), ulimit -u, or the memory for it."
        )
    if any(_has(link, *_DISK_NUMBERS) for link in chain) or _in(said, _NO_DISK):
        return OutOfDisk(
            f"There is no room on the disk for {model} ({first}{_where(chain)}). Free some, or point HF_HOME "
            "(downloads) or LOADONCE_OFFLOAD_FOLDER (offloaded weights) to a larger disk."
        )
    if any(_has(link, *_ACCESS_NUMBERS) for link in chain) or _in(said, _NO_ACCESS):
        return NoPermission(
            f"A file of {model} may not be read or written ({first}{_where(chain)}). "
            "Give the user of this process the right to, or point HF_HOME to a folder of its own."
        )
    if "offload_folder" in said:
        return DeviceMapError(
            f"The device map puts weights of {model} on disk, and they are not stored as safetensors, where "
            "they could stay. Set LOADONCE_OFFLOAD_FOLDER to a folder for them."
        )
    if isinstance(error, ValueError) and "device_map" in said:
        return DeviceMapError(
            f"The device map does not fit {model} ({first}). Give every module a place, for instance all the "
            'others by the empty name: {"": "cpu"}.'
        )
    known = recognise(error, model)
    if isinstance(known, LoaderError):
        return known
    return _damage(chain, model, folder)


def verify_weights(report: Mapping[str, Any], model: str) -> None:
    """Check transformers' report of a load: no weight was missing, none had another shape.

    Raises:
        WeightsMismatch: transformers has filled weights with random numbers, which it only warns of.
    """
    missing = sorted(report["missing_keys"])
    misfits = [f"{key} ({_shape(found)} instead of {_shape(expected)})"
               for key, found, expected in sorted(report["mismatched_keys"])]  # fmt: skip
    if missing or misfits:
        parts = [f"{len(missing)} missing: {named(missing)}"] if missing else []
        parts += [f"{len(misfits)} of another shape: {named(misfits)}"] if misfits else []
        raise WeightsMismatch(
            f"The weights of {model} do not fit its config.json: {'; '.join(parts)}. They would be random. "
            "Take config.json and weights from the same checkpoint."
        )


def _damage(chain: list[BaseException], model: str, folder: Path | None) -> LoaderError | None:
    if folder is not None:
        try:
            check_checkpoint(folder)  # it was whole before the load; now it may not be
        except LoaderError as error:
            return error
        for file in _unreadable(folder):
            return CorruptCheckpoint(
                f"The checkpoint {folder} is damaged: {file.name} cannot be read "
                f"({_in_short(chain[0])}). Copy or download it again."
            )
    if any(type(link).__name__ in _DAMAGED or "PytorchStreamReader" in str(link) for link in chain):
        return CorruptCheckpoint(
            f"A file of the checkpoint {folder or model} is damaged ({_in_short(chain[0])}). "
            "Copy or download it again."
        )
    return None


def _unreadable(folder: Path) -> Iterator[Path]:
    from safetensors import SafetensorError, safe_open

    for file in sorted(folder.glob("*.json")):
        try:
            json.loads(file.read_bytes())
        except ValueError:
            yield file
    for name in sorted(shards_of(folder)):
        try:
            with safe_open(folder / name, framework="numpy"):
                pass
        except SafetensorError:
            yield folder / name


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _in_short(error: BaseException) -> str:
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__


def _has(error: BaseException, *numbers: int) -> bool:
    return isinstance(error, OSError) and error.errno in numbers


def _in(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said for word in words)


def _where(chain: list[BaseException]) -> str:
    names = [link.filename for link in chain if isinstance(link, OSError) and link.filename]
    return f", {names[0]}" if names and str(names[0]) not in str(chain[0]) else ""


def _shape(shape: Any) -> str:
    return "×".join(map(str, shape))
