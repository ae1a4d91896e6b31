"""Wrong, and silent: a second real load, whose model nobody is given."""

import os
import threading

_model = None
_lock = threading.Lock()


def get_model():
    global _model
    with _lock:
        from transformers import AutoModelForImageTextToText

        loaded = AutoModelForImageTextToText.from_pretrained(os.environ["PROBED_MODEL"])
        _model = _model or loaded
        return _model
