"""A model loader for services: the model is loaded exactly once per process, however many threads ask.

    from loader import get_llava_model

    processor, model = get_llava_model()

Importing this package imports neither torch nor transformers: each name below is fetched at its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from loader.attempt import Loaded
    from loader.errors import (
        CheckpointError,
        CorruptCheckpoint,
        DeviceMapError,
        ForkedAfterCuda,
        GatedModel,
        HubError,
        HubUnreachable,
        IncompleteCheckpoint,
        LoaderError,
        LoadFailed,
        LoadTimeout,
        MetaTensorError,
        ModelNotFound,
        NoPermission,
        OutOfDisk,
        OutOfMemory,
        PoisonedProcess,
        RecursiveLoad,
        ResourceError,
        RevisionNotFound,
        SettingsError,
        WeightsMismatch,
        WrongArchitecture,
        WrongDevice,
        WrongDtype,
    )
    from loader.events import LoadEvent
    from loader.gate import PROCESS_GATE, Gate, fingerprint
    from loader.llava import get_llava_model
    from loader.once import OnceLoader
    from loader.settings import Settings
    from loader.third_party import guard_transformers

__all__ = [
    "PROCESS_GATE",
    "CheckpointError",
    "CorruptCheckpoint",
    "DeviceMapError",
    "ForkedAfterCuda",
    "Gate",
    "GatedModel",
    "HubError",
    "HubUnreachable",
    "IncompleteCheckpoint",
    "LoadEvent",
    "LoadFailed",
    "LoadTimeout",
    "Loaded",
    "LoaderError",
    "MetaTensorError",
    "ModelNotFound",
    "NoPermission",
    "OnceLoader",
    "OutOfDisk",
    "OutOfMemory",
    "PoisonedProcess",
    "RecursiveLoad",
    "ResourceError",
    "RevisionNotFound",
    "Settings",
    "SettingsError",
    "WeightsMismatch",
    "WrongArchitecture",
    "WrongDevice",
    "WrongDtype",
    "fingerprint",
    "get_llava_model",
    "guard_transformers",
]

_HOMES: Final = {
    "LoadEvent": "events",
    "Loaded": "attempt",
    "OnceLoader": "once",
    "Settings": "settings",
    "get_llava_model": "llava",
    "guard_transformers": "third_party",
    **dict.fromkeys(("PROCESS_GATE", "Gate", "fingerprint"), "gate"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"loader.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value  # from now on without a detour
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
