"""Wrong: nothing keeps the threads apart."""

import time

_model = None


def get_model():
    global _model
    model = _model
    if model is None:
        print("Loading LLaVa model: demo on cpu")
        time.sleep(0.1)
        model = _model = object()
        print("LLaVa model loaded successfully on cpu")
    return model
