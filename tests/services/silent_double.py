"""Wrong, and silent: every thread loads a model of its own, and no line tells."""

import time

_model = None


def get_model():
    global _model
    model = _model
    if model is None:
        time.sleep(0.1)
        model = _model = object()
    return model
