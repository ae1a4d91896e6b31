"""Wrong: a singleton by __new__, which two threads enter before either has left it."""

import time


class Manager:
    _instance = None

    def __new__(cls):
        if cls._instance is None:
            made = super().__new__(cls)
            print("Loading LLaVa model: demo on cpu")
            time.sleep(0.1)
            made.model = object()
            cls._instance = made
        return cls._instance


def get_model():
    return Manager().model
