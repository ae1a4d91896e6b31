"""Wrong: the singleton is published before it has its model: who comes meanwhile finds no attribute."""

import threading
import time


class Manager:
    _instance = None
    _lock = threading.Lock()

    def __new__(cls):
        if cls._instance is None:
            with cls._lock:
                if cls._instance is None:
                    cls._instance = super().__new__(cls)
                    cls._instance.model = cls._instance.load_model()
        return cls._instance

    def load_model(self):
        print("Loading LLaVa model: demo on cpu")
        time.sleep(0.1)
        return object()


def get_model():
    manager = Manager()
    return manager.model
