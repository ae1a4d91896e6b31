"""Containers for the benchmarks, on the engine that docker's client finds.

python tests/engine/private_engine.py python -m benchmarks log-count      a private, throw-away engine
LOADONCE_BENCHMARK_IMAGE=python:3.11-slim python -m benchmarks log-count  the machine's own
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["COUNTER", "NoEngine", "client", "container"]

COUNTER: Final = """
import sys, time
begun, n = time.monotonic(), 0
while n < {lines}:
    for _ in range(10):
        print(f"line {{n:07d}}", file=sys.stderr if n % 2 else sys.stdout)
        n += 1
    time.sleep(max(0, begun + n / {rate} - time.monotonic()))
print("the end")
time.sleep(600)
"""
"""A script: so many numbered lines at a rate, the two streams in turn, as their stamps may change places."""

_IMAGE: Final = os.environ.get("LOADONCE_BENCHMARK_IMAGE", "loadonce-test/python")


class NoEngine(RuntimeError):
    """No container can be run. The message says why, and what to do."""


def client(*arguments: str) -> str:
    """Run docker's own client and return what it printed on stdout.

    Raises:
        NoEngine: there is no client, no engine, or it refused.
    """
    try:
        return subprocess.run(["docker", *arguments], capture_output=True, check=True, text=True).stdout
    except FileNotFoundError:
        said = "docker's client is not installed"
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip()
    raise NoEngine(
        f"`docker {arguments[0]}` failed: {said}. Run it with the tests' private engine "
        "(python tests/engine/private_engine.py python -m benchmarks …), or on your own engine with an image "
        "that has Python, named in LOADONCE_BENCHMARK_IMAGE."
    )


@contextmanager
def container(script: str, *options: str) -> Iterator[str]:
    """Run a Python script in a container, its output not buffered, and yield its name; then remove it."""
    name = f"loadonce-benchmark-{uuid.uuid4().hex[:8]}"
    client("run", "-d", "--name", name, *options, _IMAGE, "python3", "-u", "-c", script)
    try:
        yield name
    finally:
        client("rm", "-f", name)
