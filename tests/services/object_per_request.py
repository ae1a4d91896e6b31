"""Wrong: each request makes a service, with a lock and a model of its own."""

import threading
import time


class Service:
    def __init__(self):
        self._lock = threading.Lock()
        self._model = None

    def model(self):
        with self._lock:
            if self._model is None:
                print("Loading LLaVa model: demo on cpu")
                time.sleep(0.1)
                self._model = object()
            return self._model


def get_model():
    return Service().model()
