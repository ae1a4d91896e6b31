"""What the image runs: `worker`, `console`, or any other command of `python -m dashboard`.

    engine --signal--> this (process 1) --the same signal--> the server --> its own children

Process 1 has duties that a server does not see to: signals that it has no handler for do not reach it,
whoever loses his parent is its child, and when it ends, all do. So a server gets this small one before it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

SERVERS = {
    "worker": ("loader.worker", "--host", "0.0.0.0", "--port", "8000"),
    "console": ("dashboard", "serve", "--host", "0.0.0.0", "--port", "8501"),
}
GRACE_S = 1.5  # a server that is told to end has as long for it; the promise is two seconds


def main(words: Sequence[str]) -> int:
    """Run what `words` ask for, and return its exit status."""
    server = SERVERS.get(words[0]) if words else None
    if server is None:
        os.execv(sys.executable, [sys.executable, "-m", "dashboard", *words])
    return serve([sys.executable, "-m", *server, *words[1:]])


def serve(command: Sequence[str]) -> int:
    """Run a server until it ends, or until its grace after a signal is over; return its exit status."""
    signal.signal(signal.SIGTERM, _leave)  # until there is somebody to pass it on to
    server = subprocess.Popen(command).pid

    def pass_on(number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)
        with suppress(ProcessLookupError):
            os.kill(server, number)

    signal.signal(signal.SIGALRM, _leave)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    while True:
        pid, status = os.wait()  # also for those that have lost their parents
        if pid == server:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
