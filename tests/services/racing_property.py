"""Wrong: a shared embedder whose property loads lazily, met by every thread of a pool at once."""

import time


class Embedder:
    def __init__(self):
        self._model = None

    @property
    def model(self):
        model = self._model
        if model is None:
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            model = self._model = object()
        return model


embedder = Embedder()


def get_model():
    return embedder.model
