"""Looks whether a folder holds a whole LLaVA checkpoint, from its file names and headers alone.

Standard library only and no tensor is read, so that the look costs milliseconds whatever the model's size.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any, Final

from loader.errors import (
    CheckpointError,
    CorruptCheckpoint,
    IncompleteCheckpoint,
    NoPermission,
    WrongArchitecture,
)

__all__ = ["check_architecture", "check_checkpoint", "read_config", "shards_of"]

_INDEX: Final = "model.safetensors.index.json"
_SINGLE: Final = "model.safetensors"
_PROCESSOR: Final = ("processor_config.json", "preprocessor_config.json")  # one of these …
_TOKENIZER: Final = ("tokenizer.json", "tokenizer.model")  # … and of these
_AGAIN: Final = "Copy or download it again."
_LONGEST_HEADER: Final = 100_000_000  # bytes; safetensors' own limit
# Bits of one number, by the names that safetensors gives to dtypes; of others the size is not checked
_BITS: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64"), 64),
}


def check_checkpoint(folder: Path) -> None:
    """Return when `folder` holds a whole LLaVA; some milliseconds.

    Raises:
        IncompleteCheckpoint, CorruptCheckpoint, WrongArchitecture, CheckpointError: it is half written,
            damaged, another model, or not there. The message says what is wrong, and the next step.
        NoPermission: it may not be read.
    """
    try:
        check_architecture(folder)
        shards = shards_of(folder)
        for number, (shard, names) in enumerate(sorted(shards.items()), 1):
            _check_shard(folder, shard, names, f"shard {number} of {len(shards)}, " if names else "")
        if not shards and not any(folder.glob("*.bin*")):  # an older format, which has no header to look at
            raise _half_written(folder, f"it has neither {_INDEX} nor {_SINGLE}")
        for either in (_PROCESSOR, _TOKENIZER):
            if not any((folder / name).exists() for name in either):
                raise _half_written(folder, f"it has no {either[0]}")
    except PermissionError as error:
        raise NoPermission(
            f"The checkpoint {folder} cannot be read ({error.strerror}: {error.filename}). "
            "Let the user of this process read the folder and every file in it."
        ) from error
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {folder} cannot be read ({error.strerror}: {error.filename}). "
            "Check the disk, or copy the checkpoint again."
        ) from error


def check_architecture(folder: Path) -> None:
    """Return when the folder's configuration is that of a LLaVA.

    Raises:
        CheckpointError and kin: as `check_checkpoint()`. OSError: a file cannot be read.
    """
    kind = read_config(folder).get("model_type")
    if kind != "llava":
        raise WrongArchitecture(
            f"The checkpoint {folder} is a {kind or 'model of unknown type'}, not LLaVA. "
            'Name a folder or a model whose config.json says "model_type": "llava".'
        )


def read_config(folder: Path) -> dict[str, Any]:
    """Return the folder's config.json.

    Raises:
        CheckpointError and kin: it is not there or no JSON object. OSError: it cannot be read.
    """
    if not folder.exists():
        raise CheckpointError(
            f"There is no checkpoint folder {folder}. "
            f"Correct the path, or make a small one there: python -m loader.checkpoint {folder}"
        )
    if not folder.is_dir():
        raise CheckpointError(f"The checkpoint {folder} is a file. Name the folder that holds config.json.")
    if not (folder / "config.json").is_file():
        raise IncompleteCheckpoint(
            f"The folder {folder} holds no checkpoint, or a half written one: it has no config.json. "
            "Name the folder that holds config.json, or copy the checkpoint again."
        )
    return _json(folder, "config.json")


def shards_of(folder: Path) -> dict[str, set[str]]:
    """Return the safetensors files that the folder should have, and the tensors that each should hold.

    The set is empty for a single file, whose tensors no index names; there are no files for other formats.

    Raises:
        CorruptCheckpoint, IncompleteCheckpoint: the index cannot be used. OSError: it cannot be read.
    """
    if (folder / _INDEX).exists():
        where = _json(folder, _INDEX).get("weight_map")
        if not isinstance(where, dict) or not where:
            raise _damaged(folder, _INDEX, "it maps no tensors")
        shards: dict[str, set[str]] = {}
        for tensor, shard in where.items():
            shards.setdefault(str(shard), set()).add(tensor)
        return shards
    return {_SINGLE: set()} if (folder / _SINGLE).exists() else {}


def _check_shard(folder: Path, name: str, expected: set[str], which: str) -> None:
    path = folder / name
    if Path(name).name != name or not path.is_file():
        raise _half_written(folder, f"{which}{name}, is missing" if which else f"{name} is missing")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else _LONGEST_HEADER + 1
        if length > _LONGEST_HEADER or 8 + length > size:
            raise _cut_off(folder, f"{which}{name} is cut off in its header, or has no safetensors header")
        try:
            header: dict[str, Any] = json.loads(file.read(length))
            header.pop("__metadata__", None)
            whole = 8 + length + _length_of_tensors(header)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise _damaged(folder, name, "its header is no safetensors header") from error
    if size < whole:
        raise _cut_off(folder, f"{which}{name} has {size:,} of its {whole:,} bytes")
    if size > whole:
        raise _damaged(folder, name, f"it has {size:,} bytes where its header tells {whole:,}")
    lacking = sorted(expected - header.keys())
    if lacking:
        raise _damaged(folder, name, f"the index places {lacking[0]} in it, which is not there")


def _length_of_tensors(header: dict[str, Any]) -> int:
    """Return the bytes of all tensors, which lie one after the other, each as long as its shape says."""
    end = 0
    for entry in sorted(header.values(), key=lambda entry: entry["data_offsets"]):
        first, last = entry["data_offsets"]
        bits = math.prod(entry["shape"]) * _BITS.get(entry["dtype"], 0)
        if first != end or (bits and bits != 8 * (last - first)):
            raise ValueError("the tensors do not follow each other")
        end = last
    return end


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        raise _half_written(folder, f"it has no {name}")
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise _cut_off(folder, f"its {name} is no whole JSON document") from error
    if not isinstance(document, dict):
        raise _damaged(folder, name, "it is no JSON object")
    return document


def _half_written(folder: Path, what: str) -> IncompleteCheckpoint:
    return IncompleteCheckpoint(
        f"The checkpoint {folder} is half written: {what}. Copy or download it again."
    )


def _cut_off(folder: Path, what: str) -> CorruptCheckpoint:
    return CorruptCheckpoint(f"The checkpoint {folder} is half written: {what}. {_AGAIN}")


def _damaged(folder: Path, name: str, what: str) -> CorruptCheckpoint:
    return CorruptCheckpoint(
        f"The checkpoint {folder} is damaged: {name}: {what}. Copy or download it again."
    )
