"""Right: a decorator of its own holds one lock round every call."""

import functools
import threading
import time


def synchronized(function):
    lock = threading.Lock()

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with lock:
            return function(*args, **kwargs)

    return wrapper


_model = None


@synchronized
def get_model():
    global _model
    if _model is None:
        print("Loading LLaVa model: demo on cpu")
        time.sleep(0.1)
        _model = object()
    return _model
