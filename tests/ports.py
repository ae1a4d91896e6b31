"""A port for a program that a test is about to start."""

from __future__ import annotations

import contextlib
import random
import socket

# Below those that the kernel gives to outgoing connections: none of them takes it before the program does
CHOICE = range(20_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    for port in random.SystemRandom().sample(CHOICE, 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError(f"a hundred ports of {CHOICE.start} to {CHOICE.stop} are all in use")
