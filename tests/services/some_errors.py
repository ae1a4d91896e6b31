"""Wrong: whoever comes while the load is under way is given an error instead of the model."""

import threading
import time

_model = None
_busy = threading.Lock()


def get_model():
    global _model
    if _model is None:
        if not _busy.acquire(blocking=False):
            raise RuntimeError("the model is half made")
        print("Loading LLaVa model: demo on cpu")
        time.sleep(0.1)
        _model = object()
    return _model
