"""In doubt: a flag is set before the load, and who reads it then is given nothing."""

import threading
import time

_lock = threading.Lock()
_loaded = False
_model = None


def load_model():
    print("Loading LLaVa model: demo on cpu")
    time.sleep(0.1)
    return object()


def get_model():
    global _loaded, _model
    if not _loaded:
        if not _lock.acquire(timeout=0.02):
            return _model
        try:
            if not _loaded:
                _loaded = True
                _model = load_model()
        finally:
            _lock.release()
    return _model
