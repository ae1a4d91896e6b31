"""Command lines of the console about containers, as a user carries them out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import until

SLEEP = "; import time; time.sleep(600)"


def call(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def shown(containers: Containers, name: str, text: str) -> None:
    until(lambda: text in containers.private.client("logs", name).stdout, 30)


@contextmanager
def following(*containers: str, options: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """`logs --follow` of containers; killed in the end if it still runs."""
    named = [part for name in containers for part in ("--container", name)]
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard", "logs", "--follow", *options, *named],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
