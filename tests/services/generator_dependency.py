"""Right: a dependency as FastAPI takes it, a generator that yields the one model."""

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
    yield _model
