"""How many bytes a loaded model takes, and where: by its tensors, without reading any of them.

Imports nothing heavy: a model brings torch along.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from loader.verification import modules_in

__all__ = ["gpu_bytes", "model_bytes"]


def model_bytes(value: object) -> dict[str, int]:
    """Return the bytes of every torch model in `value` by the kind of device (`cpu`, `cuda`).

    A tensor that several names share, as tied weights do, counts once. What accelerate has moved away
    (`meta`) takes nothing here. About a millisecond for LLaVA-7B.
    """
    found: dict[str, int] = {}
    seen = set[int]()
    for tensor in (each for module in modules_in(value) for each in _tensors(module)):
        # By the object: views of one storage are rare in a model, and asking for storages costs more
        if id(tensor) not in seen and not tensor.is_meta:
            seen.add(id(tensor))
            kind = tensor.device.type
            found[kind] = found.get(kind, 0) + tensor.numel() * tensor.element_size()
    return found


def gpu_bytes() -> int | None:
    """Return what torch's allocator holds in tensors on all GPUs; None where this process uses none.

    Never begins to use CUDA: after that a process could no longer fork.
    """
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None
    return sum(int(cuda.memory_allocated(device)) for device in range(cuda.device_count()))


def _tensors(module: Any) -> Iterator[Any]:
    yield from module.parameters()
    yield from module.buffers()
