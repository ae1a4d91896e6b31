"""Right: the first call begins a thread that loads, under a lock; every call waits for it."""

import threading
import time

_model = None
_loading = None
_lock = threading.Lock()


def _load():
    global _model
    print("Loading LLaVa model: demo on cpu")
    time.sleep(0.1)
    _model = object()


def get_model():
    global _loading
    with _lock:
        if _loading is None:
            _loading = threading.Thread(target=_load)
            _loading.start()
    _loading.join()
    return _model
