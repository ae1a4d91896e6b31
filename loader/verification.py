"""Looks whether a loaded model may be given to anyone: every tensor has data, and the dtype is as asked.

Imports nothing heavy: without torch in the process there is no tensor to look at.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from loader.errors import WrongDtype
from loader.recognition import meta_tensor_error

__all__ = ["holds_cuda", "is_offloaded", "verify_dtype", "verify_value"]


def verify_value(value: object, name: str, device_map: object = None) -> None:
    """Check every torch module in `value`, which may be one, or a tuple, list or mapping that holds some.

    `device_map` is what was asked for, if it is known: the error names it.

    Raises:
        MetaTensorError: a parameter or buffer has no data, and accelerate does not hold it elsewhere.
    """
    for module in modules_in(value):
        empty = list(_without_data(module))
        if empty:
            found = getattr(module, "hf_device_map", None)
            raise meta_tensor_error(name, empty, device_map=device_map if found is None else found)


def verify_dtype(model: Any, dtype: str, name: str) -> None:
    """Check that the unquantised floating parameters of `model` have `dtype`; `auto` takes any.

    Raises:
        WrongDtype: some have another one.
    """
    if dtype == "auto" or getattr(model, "is_quantized", False) or hasattr(model, "hf_quantizer"):
        return
    kept = (*(model._keep_in_fp32_modules or ()), *(model._keep_in_fp32_modules_strict or ()))
    for key, parameter in model.named_parameters():
        found = str(parameter.dtype).removeprefix("torch.")
        if parameter.is_floating_point() and found != dtype and not any(part in key for part in kept):
            raise WrongDtype(
                f"{name} was asked for in {dtype}, but {key} is {found}. "
                "Leave LOADONCE_DTYPE unset to take the checkpoint's own, or look for loads outside the gate."
            )


def modules_in(value: object) -> Iterator[Any]:
    """Return the torch modules that `value` is or directly holds."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return
    parts: Any = (value,)
    if isinstance(value, tuple | list):  # before Mapping, which asks a hundred classes the first time
        parts = value
    elif isinstance(value, Mapping):
        parts = value.values()
    for part in parts:
        if isinstance(part, torch.nn.Module):
            yield part


def is_offloaded(module: Any) -> bool:
    """Tell whether accelerate moves weights in and out during a call, so that only one may run at a time."""
    return any(True for child in module.modules() for _ in _offloading_hooks(child))


def holds_cuda(value: object) -> bool:
    """Tell whether a model in `value` has tensors on a CUDA device."""
    return any(tensor.is_cuda for module in modules_in(value) for _, tensor in _tensors(module))


def _without_data(module: Any) -> Iterator[str]:
    if not _has_meta(module):
        return
    empty = [key for key, tensor in _tensors(module) if tensor.is_meta]
    # A hook holds the tensors of its own module, and with some device maps those of the modules below it.
    maps = {
        path: [hook.weights_map for hook in _offloading_hooks(child)]
        for path, child in module.named_modules(remove_duplicate=False)
    }
    for key in empty:
        parts = key.split(".")
        held = any(
            weights is not None and _holds(weights, ".".join(parts[depth:]))
            for depth in range(len(parts))
            for weights in maps.get(".".join(parts[:depth]), ())
        )
        if not held:
            yield key


def _has_meta(module: Any) -> bool:
    # Without names and torch's own generators, which take five times as long, and mostly there is nothing to
    # name: every load waits for this look.
    waiting, seen = [module], set[Any]()
    while waiting:
        child = waiting.pop()
        if child is None or child in seen:
            continue
        seen.add(child)
        for tensors in (child._parameters, child._buffers):
            for tensor in tensors.values():  # a generator for each module would double the time
                if tensor is not None and tensor.is_meta:
                    return True
        waiting.extend(child._modules.values())
    return False


def _holds(weights: Any, key: str) -> bool:
    # `key in weights` would read the tensor from disk: a model would be read twice. Accelerate's own maps
    # know their keys without that.
    while hasattr(weights, "prefix") and hasattr(weights, "dataset"):
        key, weights = weights.prefix + key, weights.dataset
    return key in getattr(weights, "all_keys", weights)


def _tensors(module: Any) -> Iterator[tuple[str, Any]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _offloading_hooks(module: Any) -> Iterator[Any]:
    waiting = [getattr(module, "_hf_hook", None)]
    while waiting:
        hook = waiting.pop()
        waiting.extend(getattr(hook, "hooks", ()))  # a SequentialHook holds others
        if getattr(hook, "offload", False):
            yield hook
