"""Wrong: each call makes a lock of its own, which nobody else waits for."""

import threading
import time

_model = None


def get_model():
    global _model
    with threading.Lock():
        model = _model
        if model is None:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            model = _model = object()
        return model
