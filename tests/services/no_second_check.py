"""Wrong: a lock, but nobody looks again inside it: one load after the other."""

import threading
import time

_model = None
_lock = threading.Lock()


def get_model():
    global _model
    if _model is None:
        with _lock:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            _model = object()
    return _model
