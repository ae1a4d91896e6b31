"""Wrong: the lock guards each access of the cache, and nobody guards the load between two of them."""

import threading
import time

_cache = {}
_lock = threading.Lock()


def load_model(name):
    print("Loading LLaVa model: demo on cpu")
    time.sleep(0.1)
    return object()


def get_model():
    with _lock:
        if "llava" in _cache:
            return _cache["llava"]
    model = load_model("llava")
    with _lock:
        _cache["llava"] = model
    return model
