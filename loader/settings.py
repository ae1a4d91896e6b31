"""The loader's settings: read once from the environment, checked, and frozen."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from loader.errors import SettingsError

__all__ = ["VARIABLES", "Guard", "Settings", "absolute_path", "home_folder", "is_folder_name"]

Guard = Literal["on", "off", "no-second-check", "per-model"]

VARIABLES: Final = (
    "LOADONCE_MODEL",
    "LOADONCE_DTYPE",
    "LOADONCE_DEVICE_MAP",
    "LOADONCE_OFFLOAD_FOLDER",
    "LOADONCE_REVISION",
    "LOADONCE_LOCAL_FILES_ONLY",
    "LOADONCE_GUARD",
    "LOADONCE_MAX_WAITING",
    "LOADONCE_GENERATION_THREADS",
    "LOADONCE_MAX_NEW_TOKENS",
)
"""Every variable that `Settings.from_environment()` reads: whoever wants a load with known settings sets or
removes them all. `LOADONCE_HOME`, a place and no setting of a load, is not among them."""

_DTYPES: Final = ("auto", "float32", "float16", "bfloat16")
_PLACES: Final = ("auto", "balanced", "balanced_low_0", "sequential", "cpu", "cuda", "mps", "xpu")
_PLACE: Final = re.compile(r"(cuda|xpu|npu|hpu):\d+")
_SWITCH: Final = {"1": True, "true": True, "0": False, "false": False}
_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


def absolute_path(name: str | Path) -> Path:
    """Return a path as its user meant it, `~` filled in; one of an unknown user is a folder of that name."""
    try:
        return Path(name).expanduser().absolute()
    except RuntimeError:
        return Path(name).absolute()


def home_folder(env: Mapping[str, str] | None = None) -> Path:
    """Return the folder for Loadonce's data: `LOADONCE_HOME`, else the system's place for user data."""
    named = (os.environ if env is None else env).get("LOADONCE_HOME")
    if named:
        return absolute_path(named)
    import platformdirs  # late: most processes name their model and need no home

    return platformdirs.user_data_path("loadonce")


@dataclass(frozen=True, slots=True)
class Settings:
    """What to load, how, and within which bounds.

    Attributes:
        model: hub id or folder; None means the demo checkpoint.
        dtype: `auto` keeps the checkpoint's own, which is the fastest: a cast costs 6 to 24 times the load.
        device_map: as accelerate takes it: a word, or a mapping of module names to devices.
        offload_folder: where weights that the device map puts on disk are written. Needed only where they
            cannot stay in the checkpoint's own files: for those that are not safetensors.
        revision: branch, tag or commit on the hub.
        local_files_only: take what is on this machine and never ask the network, also for a hub id.
        guard: `on`, or one of the ways to do it wrong, for comparison.
        max_waiting: variants in the worker at once; one more is refused.
        generation_threads: generations that run at once.
        max_new_tokens: bound of a generated text; None leaves it to the checkpoint.
    """

    model: str | None = None
    dtype: str = "auto"
    device_map: str | Mapping[str, str | int] = "auto"
    offload_folder: str | None = None
    revision: str | None = None
    local_files_only: bool = False
    guard: Guard = "on"
    max_waiting: int = 1024
    generation_threads: int = 2
    max_new_tokens: int | None = None

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read `LOADONCE_*`.

        Raises:
            SettingsError: a value cannot be used; the message names the variable and what it takes.
        """
        env = os.environ if env is None else env

        def text(name: str) -> str | None:
            return env.get(name, "").strip() or None

        tokens = text("LOADONCE_MAX_NEW_TOKENS")
        return cls(
            model=_model(text("LOADONCE_MODEL")),
            dtype=_one_of("LOADONCE_DTYPE", text("LOADONCE_DTYPE") or "auto", _DTYPES),
            device_map=_device_map(text("LOADONCE_DEVICE_MAP") or "auto"),
            offload_folder=_folder("LOADONCE_OFFLOAD_FOLDER", text("LOADONCE_OFFLOAD_FOLDER")),
            revision=text("LOADONCE_REVISION"),
            local_files_only=_switch("LOADONCE_LOCAL_FILES_ONLY", text("LOADONCE_LOCAL_FILES_ONLY") or "0"),
            guard=cast(Guard, _one_of("LOADONCE_GUARD", text("LOADONCE_GUARD") or "on", get_args(Guard))),
            max_waiting=_count("LOADONCE_MAX_WAITING", text("LOADONCE_MAX_WAITING") or "1024", 100_000),
            generation_threads=_count(
                "LOADONCE_GENERATION_THREADS", text("LOADONCE_GENERATION_THREADS") or "2", 256
            ),
            max_new_tokens=None if tokens is None else _count("LOADONCE_MAX_NEW_TOKENS", tokens, 4096),
        )


def is_folder_name(model: str) -> bool:
    """Tell a folder from a hub id: what exists, or is written like a path, is a folder."""
    return _HUB_ID.fullmatch(model) is None or Path(model).exists()


def _model(value: str | None) -> str | None:
    if value is None or not is_folder_name(value):
        return value
    return str(absolute_path(value))


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}; it takes one of {', '.join(allowed)}.")
    return value


def _switch(name: str, value: str) -> bool:
    if value.lower() not in _SWITCH:
        raise SettingsError(f"{name} is {value!r}; it takes one of {', '.join(_SWITCH)}.")
    return _SWITCH[value.lower()]


def _folder(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    path = absolute_path(value)
    nearest = next(place for place in (path, *path.parents) if os.path.lexists(place))
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        why = "cannot be written to" if nearest.is_dir() else "is no folder"
        raise SettingsError(
            f"{name} is {value!r}, but {nearest} {why}; it takes a folder to write to, or to make."
        )
    return str(path)


def _count(name: str, value: str, most: int) -> int:
    # isascii, because int() also takes the digits of other scripts
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= most and len(value) < 9):
        raise SettingsError(f"{name} is {value!r}; it takes a whole number from 1 to {most:,}.")
    return int(value)


def _is_place(place: object) -> bool:
    return isinstance(place, str | int) and not isinstance(place, bool) and place != ""


def _device_map(value: str) -> str | Mapping[str, str | int]:
    if value in _PLACES or _PLACE.fullmatch(value):
        return value
    try:
        places = json.loads(value)
    except ValueError:
        places = None
    if isinstance(places, dict) and places and all(_is_place(place) for place in places.values()):
        return cast(Mapping[str, str | int], places)
    raise SettingsError(
        f"LOADONCE_DEVICE_MAP is {value!r}; it takes one of {', '.join(_PLACES)}, a device such as cuda:0, "
        'or a JSON object of module names and devices such as {"": "cpu"}.'
    )
