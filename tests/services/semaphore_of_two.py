"""Wrong: a semaphore lets two in at once, and both find nothing."""

import threading
import time

_model = None
_slots = threading.Semaphore(2)


def get_model():
    global _model
    with _slots:
        model = _model
        if model is None:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            model = _model = object()
    return model
