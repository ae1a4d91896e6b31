"""Right: the lock is taken before lru_cache is asked, so one computes and the others find it."""

import functools
import threading
import time

_lock = threading.Lock()


@functools.lru_cache(maxsize=1)
def _load_model():
    print("Loading LLaVa model: demo on cpu")
    time.sleep(0.1)
    return object()


def get_model():
    with _lock:
        return _load_model()
