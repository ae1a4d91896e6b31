"""In doubt: the first load fails alone, the next thread's succeeds."""

import threading
import time

_model = None
_tries = 0
_lock = threading.Lock()


def get_model():
    global _model, _tries
    with _lock:
        if _model is None:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.05)
            _tries += 1
            if _tries == 1:
                raise OSError("the disk was busy")
            _model = object()
        return _model
