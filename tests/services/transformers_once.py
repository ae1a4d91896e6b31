"""Right: a real LLaVA, double-checked; the first try is refused, and its fallback is the same load."""

import os
import threading

_model = None
_lock = threading.Lock()


def get_model():
    global _model
    if _model is None:
        with _lock:
            if _model is None:
                from transformers import AutoModelForImageTextToText

                folder = os.environ["PROBED_MODEL"]
                try:
                    AutoModelForImageTextToText.from_pretrained(folder, attn_implementation="no_such_kernel")
                except (ValueError, ImportError):
                    _model = AutoModelForImageTextToText.from_pretrained(folder)
    return _model
