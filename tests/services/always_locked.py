"""Right, if slow: every call takes the lock. A start is all that it prints."""

import threading
import time

_model = None
_lock = threading.Lock()


def get_model():
    global _model
    with _lock:
        if _model is None:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            _model = object()
        return object(), _model  # another processor each time: costly, and no second model
