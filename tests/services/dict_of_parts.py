"""Right: each call packs the one model and its processor into a new dict."""

import threading
import time

_parts = {}
_lock = threading.Lock()


def get_model():
    with _lock:
        if "model" not in _parts:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            _parts["model"] = object()
    return {"model": _parts["model"], "processor": object()}
