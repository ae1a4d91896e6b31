"""Wrong: a model for each thread, under a lock that is held for nothing; it prints nothing known."""

import threading
import time

_here = threading.local()
_lock = threading.Lock()


def get_model():
    with _lock:
        if not hasattr(_here, "model"):
            time.sleep(0.02)
            _here.model = object()
        return _here.model
