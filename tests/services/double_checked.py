"""Right: a lock, the check repeated inside it, published last."""

import threading
import time

_model = None
_lock = threading.Lock()


def get_model():
    global _model
    if _model is None:
        with _lock:
            if _model is None:
                print("Loading LLaVa model: demo on cpu")
                time.sleep(0.1)
                print("✓ LLaVa model loaded successfully on cpu")
                _model = object()
    return _model
