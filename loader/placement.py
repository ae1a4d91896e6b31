"""Which weights a device map puts where: whether that can be, before a load, and whether it is so, after it.

A device map is one word (`auto`), one device (`cuda:0`), or a mapping of module names to devices, among which
`disk` leaves weights in their files until a forward pass needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from loader.errors import DeviceMapError, WrongDevice

__all__ = ["input_device", "plan_placement", "verify_placement"]

Place = str | int
DeviceMap = str | Mapping[str, Place]

_LEFT_TO_ACCELERATE: Final = ("auto", "balanced", "balanced_low_0", "sequential")
_DISK: Final = "disk"


def plan_placement(device_map: DeviceMap, folder: Path) -> DeviceMap:
    """Look before a load whether this machine has the devices, and this model can be divided so.

    Returns the map as accelerate understands it. Imports torch and transformers. Some milliseconds.

    Raises:
        DeviceMapError: a device is not there; or tied weights are divided between the disk and another place,
            which accelerate cannot do: it looks for the one tensor where only the other has its data.
    """
    places = _places(device_map)
    if places is None:
        return device_map
    for name, place in places.items():
        _check_device(name, place)
    if _DISK not in places.values():
        return device_map
    from transformers.models.llava.configuration_llava import LlavaConfig
    from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration

    config = LlavaConfig.from_pretrained(folder, local_files_only=True)
    tied = LlavaForConditionalGeneration._tied_weights_keys if config.tie_word_embeddings else None
    for one, other in (tied or {}).items():
        first, second = place_of(one, places), place_of(other, places)
        if first != second and _DISK in (first, second):
            raise DeviceMapError(
                f"The device map puts {one} on {first} and {other} on {second}, but the two are one tensor "
                "(tie_word_embeddings), and a tensor on disk cannot be shared with another place. "
                "Put both on disk, or neither."
            )
    if not any(_is_below(name, parent) for name in places for parent in places):
        return device_map
    import torch

    with torch.device("meta"):  # the names of its modules are wanted, no weight
        network = LlavaForConditionalGeneration(config)
    return dict(_flattened("", network, places))


def _flattened(name: str, module: Any, places: Mapping[str, Place]) -> Iterator[tuple[str, Place]]:
    """Return `places` without a name that lies below another: accelerate would put the weights of the one on
    the other's place as well, and find those on disk without data."""
    if not any(_is_below(other, name) for other in places):
        yield name, place_of(name, places)
        return
    children = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    for part, _ in children:
        key = f"{name}.{part}" if name else part
        yield key, place_of(key, places)
    for part, child in module.named_children():
        yield from _flattened(f"{name}.{part}" if name else part, child, places)


def _is_below(name: str, parent: str) -> bool:
    return name != parent and (parent == "" or name.startswith(f"{parent}."))


def verify_placement(network: Any, device_map: DeviceMap, name: str) -> None:
    """Check that every parameter is where `device_map` says. Whether it has data is for `verify_value()`.

    Raises:
        WrongDevice: one is elsewhere. DeviceMapError: the map names a module that the model does not have.
    """
    places = _places(device_map)
    if places is None:
        return
    known = {path for path, _ in network.named_modules()} | {key for key, _ in network.named_parameters()}
    strangers = sorted(places.keys() - known)
    if strangers:
        raise DeviceMapError(
            f"The device map places {strangers[0]!r}, which {name} does not have. "
            f"Name modules of the model, such as {', '.join(path for path, _ in network.named_children())}."
        )
    # A map of the CPU and a GPU keeps the CPU's weights back, and computes everything on the GPU
    kept_back = {_DISK} | ({"cpu"} if any(_is_accelerator(place) for place in places.values()) else set())
    for key, parameter in network.named_parameters():
        place = place_of(key, places)
        if place in kept_back if parameter.is_meta else place != _DISK and _is_on(parameter.device, place):
            continue
        raise WrongDevice(
            f"{name} was asked for with {key} on {place}, but it is on {parameter.device}. "
            "Look for code that moves the model, and for loads outside the gate; restart the process."
        )


def input_device(network: Any) -> Any:
    """Return the device that inputs go to: where the model computes, which for offloaded weights is not
    where they are."""
    device = getattr(getattr(network, "_hf_hook", None), "execution_device", None)
    return network.device if device is None else device


def place_of(key: str, places: Mapping[str, Place]) -> Place:
    """Return the place of a parameter: that of the longest name in the map that contains it; else the CPU."""
    parts = key.split(".")
    for depth in range(len(parts), -1, -1):
        name = ".".join(parts[:depth])
        if name in places:
            return places[name]
    return "cpu"


def _places(device_map: DeviceMap) -> Mapping[str, Place] | None:
    if isinstance(device_map, str):  # not Mapping first, which asks a hundred classes the first time
        return None if device_map in _LEFT_TO_ACCELERATE else {"": device_map}
    return device_map


def _check_device(name: str, place: Place) -> None:
    import torch

    if place == _DISK:
        return
    try:
        device = torch.device(place)
    except RuntimeError as error:
        raise DeviceMapError(
            f"The device map puts {name or 'the model'} on {place!r}, which is no device here. "
            "Name cpu, disk, or a device that PyTorch sees, such as cuda:0."
        ) from error
    if device.type == "cpu":
        return
    count = _devices_of(device.type)
    if (device.index or 0) >= count:
        raise DeviceMapError(
            f"The device map puts {name or 'the model'} on {place}, but PyTorch {torch.__version__} sees "
            f"{count or 'no'} {device.type} device{'' if count == 1 else 's'} here. "
            "Use LOADONCE_DEVICE_MAP=cpu or auto, or install a PyTorch build and a driver that see it."
        )


def _devices_of(kind: str) -> int:
    import torch

    try:
        module = torch.get_device_module(kind)
        return int(module.device_count()) if module.is_available() else 0
    except (RuntimeError, AttributeError):  # this build of torch does not know the kind at all
        return 0


def _is_accelerator(place: Place) -> bool:
    return place not in ("cpu", _DISK)


def _is_on(device: Any, place: Place) -> bool:
    import torch

    asked = torch.device(place)
    return bool(device.type == asked.type and asked.index in (None, device.index))
