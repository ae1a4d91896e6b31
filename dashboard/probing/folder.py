"""A probe in a folder: a fresh process of this Python, with the folder as its working directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from dashboard.probing.report import Asked, ProbeReport, Reading
from dashboard.probing.watch import Watch

__all__ = ["probe_folder"]


def probe_folder(asked: Asked, folder: Path) -> ProbeReport:
    """Probe in a fresh process and return what it told. Blocks until the process has ended.

    Raises:
        OSError: the process cannot be started there.
    """
    reading = Reading(asked)
    process = subprocess.Popen(
        asked.command(sys.executable),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # what the service starts is ended with it
    )

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    watch = Watch(reading, asked.timeout_s)
    watch.start(end)
    assert process.stdout is not None
    try:
        while data := os.read(process.stdout.fileno(), 64 * 1024):
            reading.feed(data)
            if reading.ended:
                break  # a child of the service may hold the pipe open for ever
        process.wait()
    finally:
        watch.stop()
        end()
        process.stdout.close()
        process.wait()
    return reading.report(process.returncode)
