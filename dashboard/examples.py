"""The lines of code that a cure shows, to be copied into a service. Tests run each of them.

They are the same in every language: `loader/` is the folder of that name, which the Guide page hands out.
"""

from __future__ import annotations

from typing import Final

__all__ = ["AWAITED", "ONCE_LOADER", "OWN_LOCK", "SHARED_GATE"]

ONCE_LOADER: Final = """\
from loader import OnceLoader


def load():
    ...  # as your service does now: from_pretrained(), .to(device), .eval()
    return processor, model


LLAVA = OnceLoader(load, name="llava")


def get_llava_model():
    return LLAVA.get()
"""

OWN_LOCK: Final = """\
import threading

_LOCK = threading.Lock()
_loaded = None


def get_llava_model():
    global _loaded
    if _loaded is None:
        with _LOCK:
            if _loaded is None:
                _loaded = load()  # your load; what it returns is finished
    return _loaded
"""

SHARED_GATE: Final = """\
from loader import guard_transformers

guard_transformers()  # at the top of the service, before anything is loaded
"""

AWAITED: Final = """\
processor, model = await LLAVA.aget()  # LLAVA = OnceLoader(load, name="llava")
"""
