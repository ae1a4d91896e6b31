"""Wrong: setdefault keeps the first model, and every thread has loaded one to offer."""

import time

_models = {}


def load_model(name):
    print("Loading LLaVa model: demo on cpu")
    time.sleep(0.1)
    return object()


def get_model():
    return _models.setdefault("llava", load_model("llava"))
