"""Wrong: a context variable is each thread's own, as a thread-local is."""

import contextvars
import time

_model = contextvars.ContextVar("model", default=None)


def get_model():
    if _model.get() is None:
        print("Loading LLaVa model: demo on cpu")
        time.sleep(0.1)
        _model.set(object())
    return _model.get()
