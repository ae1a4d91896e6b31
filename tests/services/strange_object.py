"""Right: the model refuses whatever it is asked for, its own type as well."""

import threading
import time

_model = None
_lock = threading.Lock()


class Model:
    def __getattribute__(self, name):
        raise RuntimeError(f"nobody may ask for {name}")

    def __eq__(self, other):
        return True

    __hash__ = None


def get_model():
    global _model
    with _lock:
        if _model is None:
            print("Loading LLaVa model: demo on cpu", end="")
            time.sleep(0.1)
            _model = Model()
        return _model
