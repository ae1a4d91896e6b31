"""The console's end of the preloaded process: a fork server that has torch imported already.

    console --start (listening socket, stdout, stderr)--> loader.preload --fork--> worker
            <--ready, started, exited------------------

The protocol is `loader.preload`'s. The process is started at once, imports for some seconds in the
background, and is started again when it should die. It ends by itself when the console does, and takes its
workers along.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

from dashboard.home import PROJECT_ROOT
from dashboard.targets.base import TargetError, Warmth

__all__ = ["Preloaded", "WorkerProcess"]

_START_TIMEOUT_S: Final = 30.0


@dataclass(slots=True)
class WorkerProcess:
    """A forked worker: its pid once it has begun, its exit status once it has ended."""

    id: str
    pid: int | None = None
    status: int | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


class Preloaded:
    """Starts workers out of one preloaded process. Threading: any thread may call anything.

    One lock guards the socket's writing end and the table of workers; it is held for one message.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: dict[str, WorkerProcess] = {}
        self._count = 0
        self._closed = False
        self._settled = threading.Event()
        self._since = time.monotonic()
        self._warmth = Warmth("importing", "Warming up: importing torch and transformers, once.")
        self._error: str | None = None
        self._launch()

    def warmth(self) -> Warmth:
        """Tell how far the imports are, at once. A process that has died is started again."""
        with self._lock:
            if not self._closed and not self._reader.is_alive():
                self._launch()
            return self._warmth

    def wait_warm(self, timeout: float) -> Warmth:
        """Block until the imports have ended or `timeout` seconds are over."""
        self.warmth()
        self._settled.wait(timeout)
        return self._warmth

    def start(self, fds: Sequence[int], env: Mapping[str, str]) -> WorkerProcess:
        """Fork a worker. `fds` are its listening socket, its stdout and its stderr; the caller keeps its own.

        Raises:
            TargetError: there is no preloaded process, or it could not fork.
        """
        warmth = self.warmth()
        if warmth.state == "failed":
            raise TargetError(warmth.text)
        with self._lock:
            self._count += 1
            worker = WorkerProcess(f"w{self._count}")
            self._workers[worker.id] = worker
            request = json.dumps({"op": "start", "id": worker.id, "env": dict(env)}) + "\n"
            try:
                socket.send_fds(self._socket, [request.encode()], list(fds))
            except OSError as error:
                raise TargetError(
                    f"The preloaded process is gone ({error.strerror}). Try again: it starts anew by itself."
                ) from error
        if not worker.begun.wait(_START_TIMEOUT_S) or worker.pid is None:
            raise TargetError(
                f"The worker process did not start: {self._error or 'no answer from the preloaded process'}. "
                "Try again; if it stays so, look at the memory and the process limit of this machine."
            )
        return worker

    def signal(self, worker: WorkerProcess, number: int) -> None:
        """Send a signal to a worker; nothing happens when it has ended already."""
        request = json.dumps({"op": "stop", "id": worker.id, "signal": number}) + "\n"
        with self._lock:
            if worker.ended.is_set():
                return
            try:
                self._socket.sendall(request.encode())
            except OSError:
                return  # the preloaded process is gone, and it has taken its workers along

    def close(self) -> None:
        """End the preloaded process and every worker of it. Idempotent; blocks for a moment."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        if self._warmth.state == "importing":  # it has no worker yet, and does not listen until it is done
            self._process.kill()
        self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:  # in the middle of an import it does not listen
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._socket.close()

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._settled.clear()
        self._since = time.monotonic()
        self._warmth = Warmth("importing", "Warming up: importing torch and transformers, once.")
        said = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads would fill up; _read closes it
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "loader.preload", "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=PROJECT_ROOT,
                start_new_session=True,  # Ctrl-C is for the console, which then ends this
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self._socket = ours
        self._reader = threading.Thread(target=self._read, args=(ours, self._process, said), name="preloaded")
        self._reader.daemon = True  # close() joins it; a console that crashes must not wait for it
        self._reader.start()

    def _read(self, connection: socket.socket, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        with connection.makefile("r", encoding="utf-8") as replies:
            try:
                for line in replies:
                    self._take(json.loads(line))
            except OSError:
                pass  # close() has shut the connection
        status = process.wait()
        if not self._closed and self._warmth.state == "importing":
            said.seek(0)
            words = said.read().decode("utf-8", "replace").strip().splitlines()
            self._warmth = Warmth(
                "failed",
                "The process that imports torch and transformers ended: "
                f"{words[-1] if words else f'exit status {status}'}. "
                "Run `make install` and start again.",
            )
        said.close()
        self._settled.set()
        for worker in self._workers.values():  # it has taken them along
            worker.begun.set()
            worker.ended.set()

    def _take(self, reply: Mapping[str, Any]) -> None:
        match reply["event"]:
            case "ready":
                seconds = time.monotonic() - self._since
                text = "Ready: a trial starts at once."
                self._warmth = Warmth("ready", text, seconds, reply.get("versions", {}))
                self._settled.set()
            case "started":
                worker = self._workers[reply["id"]]
                worker.pid = reply["pid"]
                worker.begun.set()
            case "exited":
                worker = self._workers.pop(reply["id"])
                worker.status = reply["status"]
                worker.ended.set()
            case "error":
                self._error = reply["text"]
                if reply.get("id") in self._workers:
                    self._workers.pop(reply["id"]).begun.set()
            case _:
                pass  # news of a later version of the protocol
