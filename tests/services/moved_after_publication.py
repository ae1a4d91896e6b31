"""Right to a probe, and wrong in its source: it is moved after others may have found it."""

import threading
import time


class Model:
    def to(self, device):
        return self


def load_model():
    print("Loading LLaVa model: demo on cpu")
    time.sleep(0.1)
    return Model()


_model = None
_lock = threading.Lock()


def get_model():
    global _model
    if _model is None:
        with _lock:
            if _model is None:
                _model = load_model()
                _model.to("cpu")
    return _model
