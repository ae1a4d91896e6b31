"""What the programs beside this one print as the guide's service does."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable


def begin() -> None:
    """Say that a load begins."""
    sys.stdout.write("Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cpu\n")
    sys.stdout.flush()


def end() -> None:
    """Say that it has come to its end."""
    sys.stdout.write("✓ LLaVa model loaded successfully on cpu\n")
    sys.stdout.flush()


def told(work: Callable[[], object]) -> None:
    """Do something, and print the traceback of the error that it ends in."""
    try:
        work()
    except Exception:  # noqa: BLE001 - whatever it is, it is printed
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()


def at_once(*works: Callable[[], object]) -> None:
    """Do several things, each in a thread of its own, until all are done."""
    threads = [threading.Thread(target=told, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
