"""Wrong: the lock itself is made lazily, so that those who come at once make one each."""

import threading
import time

_lock = None
_model = None


def get_model():
    global _lock, _model
    lock = _lock
    if lock is None:
        time.sleep(0.05)  # opens what is a moment otherwise
        lock = _lock = threading.Lock()
    with lock:
        model = _model
        if model is None:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            model = _model = object()
    return model
