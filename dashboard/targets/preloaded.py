"""Keeps one preloaded process at hand: imports in the background, and is replaced when it should die.

importing --> ready --> died? --> a new one, whoever asks next
    └--> killed by a signal? --> a new one, once
    └--> ended by itself, or killed again --> failed, until a run is launched
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from dashboard.targets.base import TargetError, Warmth
from dashboard.targets.fork_server import ForkServer, ForkServerGone, WorkerProcess
from dashboard.waiting import Cancelled, never, wait_for

__all__ = ["Preloaded"]

_IMPORT_TIMEOUT_S: Final = 300.0
"""The first import of torch from a slow disk takes minutes."""


class Preloaded:
    """Starts workers out of one preloaded process. Threading: any thread may call anything.

    The lock guards which process is the current one; it is held for a launch, some milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: ForkServer | None = None
        self._again = False  # whether the one before was killed before it was ready
        self._failure: str | None = None
        self._closed = False
        self._launch()

    def warmth(self) -> Warmth:
        """Tell how far the imports are, at once. A process that has died is replaced."""
        return self._look()[1]

    def wait_warm(self, timeout: float) -> Warmth:
        """Block until a process is ready, importing has failed, or `timeout` seconds are over."""
        deadline = time.monotonic() + timeout
        while True:
            server, warmth = self._look()
            left = deadline - time.monotonic()
            if server is None or warmth.state != "importing" or left <= 0:
                return warmth
            server.settled.wait(left)

    def renew(self) -> None:
        """Try again where the imports have failed; else do nothing."""
        self._look()
        with self._lock:
            if self._failure is not None and not self._closed:
                self._launch()

    def start(
        self, fds: Sequence[int], env: Mapping[str, str], cancelled: Cancelled = never
    ) -> WorkerProcess:
        """Fork a worker. `fds` are its listening socket, its stdout and its stderr; the caller keeps its own.

        A process that is gone, or does not answer, is replaced once.

        Raises:
            TargetError: there is no preloaded process, it could not fork, or `cancelled()` became true.
                Nothing is left running.
        """
        try:
            return self._ready(cancelled).fork(fds, env, cancelled)
        except ForkServerGone:
            server = self._ready(cancelled)
        try:
            return server.fork(fds, env, cancelled)
        except ForkServerGone as gone:
            raise TargetError(
                f"{gone} So did the one before it, and no worker was started. Look for what ends them, such "
                "as the kernel's out-of-memory killer (`dmesg` tells), and launch the run again."
            ) from gone

    def close(self) -> None:
        """End the preloaded process and every worker of it. Idempotent; blocks for some seconds at most."""
        with self._lock:
            self._closed = True
            server = self._server
        if server is not None:
            server.close()

    def _ready(self, cancelled: Cancelled) -> ForkServer:
        deadline = time.monotonic() + _IMPORT_TIMEOUT_S
        while not cancelled() and (left := deadline - time.monotonic()) > 0:
            server, warmth = self._look()
            if server is None or warmth.state == "failed":
                raise TargetError(warmth.text)
            if warmth.state == "ready":
                return server
            wait_for(server.settled, left, cancelled)
        if cancelled():
            raise TargetError("The start of the worker was cancelled.")
        raise TargetError(
            f"The import of torch and transformers did not end in {_IMPORT_TIMEOUT_S:g} s. "
            "Look whether the machine is overloaded or its disk hangs, and launch the run again."
        )

    def _look(self) -> tuple[ForkServer | None, Warmth]:
        """Return the current process, a new one where that is due, and how far it is."""
        with self._lock:
            server = self._server
            if server is not None and server.ended.is_set() and self._failure is None:
                self._replace(server)
                server = self._server
            if server is None or self._failure is not None:
                return None, Warmth("failed", self._failure or "No worker can be started.")
            return server, server.warmth

    def _replace(self, server: ForkServer) -> None:
        """Put a new process in the place of one that has ended, or say why not; with the lock held."""
        if self._closed:
            self._failure = "The console is closing. Start it again to launch a run."
        elif server.warmth.state == "ready":
            self._launch()
        elif server.killed and not self._again:
            self._launch(f"Warming up again. {server.fate}")
            self._again = True
        elif server.killed:
            self._failure = (
                f"{server.fate} It was the second in a row. Look for what ends them, such as the kernel's "
                "out-of-memory killer (`dmesg` tells), and launch the run again."
            )
        elif "ImportError" in server.fate or "ModuleNotFoundError" in server.fate:
            self._failure = f"{server.fate} Run `make install`, and launch the run again."
        else:
            self._failure = f"{server.fate} Put that right, and launch the run again."

    def _launch(self, text: str = "Warming up: importing torch and transformers, once.") -> None:
        self._again = False
        self._failure = None
        try:
            self._server = ForkServer(text)
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or error
            self._failure = (
                f"The process that imports torch and transformers could not be started ({why}). "
                "Look at the memory and the limits of this machine, and launch the run again."
            )
