"""A load that waits for the lock of a file, as the hub's library does, until it loses patience."""

from __future__ import annotations

import tempfile
from pathlib import Path

from filelock import FileLock
from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock, logging

from tests.field_errors.said import begin, told

logging.set_verbosity_info()
constants.FILELOCK_LOG_EVERY_SECONDS = 0.05  # ten seconds, else


def load(path: Path) -> None:
    with WeakFileLock(path, timeout=0.2):
        pass


with tempfile.TemporaryDirectory() as place:
    lock = Path(place) / "model.safetensors.lock"
    with FileLock(lock):
        begin()
        told(lambda: load(lock))
