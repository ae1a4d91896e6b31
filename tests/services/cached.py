"""Wrong: lru_cache keeps the result, and lets every thread compute it that comes before it is there."""

import functools
import time


@functools.lru_cache(maxsize=1)
def get_model():
    print("Loading LLaVa model: demo on cpu")
    time.sleep(0.1)
    return object()
