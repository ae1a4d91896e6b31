"""Right: one service for all requests, double-checked by its own lock."""

import threading
import time


class Service:
    def __init__(self):
        self._lock = threading.Lock()
        self._model = None

    def model(self):
        if self._model is None:
            with self._lock:
                if self._model is None:
                    print("Loading LLaVa model: demo on cpu")
                    time.sleep(0.1)
                    self._model = object()
        return self._model


service = Service()


def get_model():
    return service.model()
