"""In doubt: one load, and each call wraps the one model in a proxy of its own."""

import threading
import time

_model = None
_lock = threading.Lock()


class Proxy:
    def __init__(self, model):
        self._model = model


def get_model():
    global _model
    with _lock:
        if _model is None:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            _model = object()
    return Proxy(_model)
