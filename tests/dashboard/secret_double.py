"""Our worker with a fault that neither its log nor its answers show: its load keeps a second copy.

python -m tests.dashboard.secret_double --fd N        as `python -m loader.worker`
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class SecretDoubles:
    """Starts such workers in the place of `dashboard.targets.preloaded.Preloaded`."""

    def start(self, fds: Sequence[int], env: Mapping[str, str], cancelled: object) -> SecretDouble:
        """As there; the libraries are imported anew, which takes some seconds."""
        return SecretDouble(fds, env)


class SecretDouble:
    """One such worker, as `dashboard.targets.fork_server.WorkerProcess` is one of ours."""

    fault = None

    def __init__(self, fds: Sequence[int], env: Mapping[str, str]) -> None:
        listener, out, err = fds
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.dashboard.secret_double", "--fd", str(listener)],
            cwd=ROOT,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=[listener],
        )
        self.pid = self._process.pid
        self.status: int | None = None
        self.ended = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it."""
        self.signal(signal.SIGKILL)
        self.ended.wait()

    def _wait(self) -> None:
        self.status = self._process.wait()
        self.ended.set()


def main() -> None:
    """Serve, with the fault."""
    import loader.llava
    from loader.worker import main as serve

    whole, hidden = loader.llava.load_llava, []

    def doubled(*arguments: Any) -> Any:
        pair = whole(*arguments)
        hidden.append([tensor.clone() for tensor in pair[1].state_dict().values()])
        return pair

    loader.llava.load_llava = doubled
    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
