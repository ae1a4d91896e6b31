"""Looks whether a folder holds a whole LLaVA checkpoint, from its file names and headers alone.

Standard library only and no tensor is read, so that the look costs milliseconds whatever the model's size.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, Final

from loader.errors import CheckpointError

__all__ = ["check_checkpoint"]

_INDEX: Final = "model.safetensors.index.json"
_SINGLE: Final = "model.safetensors"
_LONGEST_HEADER: Final = 100_000_000  # bytes; safetensors' own limit


def check_checkpoint(folder: Path) -> None:
    """Return when `folder` holds a whole LLaVA; some milliseconds.

    Raises:
        CheckpointError: it is missing, half written, damaged or not LLaVA. The message says what is wrong,
            and the next step.
    """
    try:
        _check(folder)
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {folder} cannot be read ({error.strerror}: {error.filename}). "
            "Check the folder's permissions."
        ) from error


def _check(folder: Path) -> None:
    if not folder.exists():
        raise CheckpointError(
            f"There is no checkpoint folder {folder}. "
            f"Correct the path, or make a small one there: python -m loader.checkpoint {folder}"
        )
    if not folder.is_dir():
        raise CheckpointError(f"The checkpoint {folder} is a file. Name the folder that holds config.json.")
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"The folder {folder} holds no checkpoint, or a half written one: it has no config.json. "
            "Name the folder that holds config.json, or copy the checkpoint again."
        )
    config = _json(folder, "config.json")
    kind = config.get("model_type")
    if kind != "llava":
        raise CheckpointError(
            f"The checkpoint {folder} is a {kind or 'model of unknown type'}, not LLaVA. "
            'Name a folder whose config.json says "model_type": "llava".'
        )
    if (folder / _INDEX).exists():
        where = _json(folder, _INDEX).get("weight_map")
        if not isinstance(where, dict) or not where:
            raise _damaged(folder, _INDEX, "it maps no tensors")
        tensors: dict[str, set[str]] = {}
        for tensor, shard in where.items():
            tensors.setdefault(str(shard), set()).add(tensor)
        for number, (shard, names) in enumerate(sorted(tensors.items()), 1):
            _check_shard(folder, shard, names, f"shard {number} of {len(tensors)}, ")
    elif (folder / _SINGLE).exists():
        _check_shard(folder, _SINGLE, set(), "")
    elif not any(folder.glob("*.bin*")):  # an older format, which has no header to look at
        raise _half_written(folder, f"it has neither {_INDEX} nor {_SINGLE}")
    if not any((folder / name).exists() for name in ("processor_config.json", "preprocessor_config.json")):
        raise _half_written(folder, "it has no processor_config.json")
    if not any((folder / name).exists() for name in ("tokenizer.json", "tokenizer.model")):
        raise _half_written(folder, "it has no tokenizer.json")


def _check_shard(folder: Path, name: str, expected: set[str], which: str) -> None:
    path = folder / name
    if Path(name).name != name or not path.is_file():
        raise _half_written(folder, f"{which}{name}, is missing" if which else f"{name} is missing")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else _LONGEST_HEADER + 1
        if length > _LONGEST_HEADER or 8 + length > size:
            raise _half_written(folder, f"{which}{name} is cut off in its header")
        try:
            header: dict[str, Any] = json.loads(file.read(length))
            held = {
                tensor: entry["data_offsets"][1]
                for tensor, entry in header.items()
                if tensor != "__metadata__"
            }
            whole = 8 + length + max(held.values(), default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise _damaged(folder, name, "its header is no safetensors header") from None
    if size < whole:
        raise _half_written(folder, f"{which}{name} has {size:,} of its {whole:,} bytes")
    if size > whole:
        raise _damaged(folder, name, f"it has {size:,} bytes where its header tells {whole:,}")
    lacking = sorted(expected - held.keys())
    if lacking:
        raise _damaged(folder, name, f"the index places {lacking[0]} in it, which is not there")


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        raise _half_written(folder, f"it has no {name}")
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        raise _half_written(folder, f"its {name} is no whole JSON document") from None
    if not isinstance(document, dict):
        raise _damaged(folder, name, "it is no JSON object")
    return document


def _half_written(folder: Path, what: str) -> CheckpointError:
    return CheckpointError(f"The checkpoint {folder} is half written: {what}. Copy or download it again.")


def _damaged(folder: Path, name: str, what: str) -> CheckpointError:
    return CheckpointError(f"The checkpoint {folder} is damaged: {name}: {what}. Copy or download it again.")
