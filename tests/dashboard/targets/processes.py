"""What tests of the targets look at in the system: children, open files, ends."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for a condition that the system reaches by itself."""
    tick = threading.Event()
    for _ in range(int(seconds * 100)):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("the condition was not reached")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid: int) -> set[int]:
    """Those that live."""
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in told if is_alive(int(child))}


def open_files() -> set[str]:
    """What this process has open, by number and kind."""
    found = set()
    for link in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found.add(f"{link.name} {link.readlink()}")
    return found


class CancelledAfter:
    """A caller that loses interest when it was asked a few times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@contextlib.contextmanager
def worker_files() -> Iterator[tuple[int, int, int]]:
    """A listening socket and two outputs that nobody reads."""
    with socket.create_server(("127.0.0.1", 0)) as listener, Path(os.devnull).open("wb") as sink:
        yield listener.fileno(), sink.fileno(), sink.fileno()
