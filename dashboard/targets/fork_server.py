"""One preloaded process, seen from the console: its launch, the workers that it forks, its end.

    console --start (listening socket, stdout, stderr)--> loader.preload --fork--> worker
            <--ready, started, exited------------------

The protocol is `loader.preload`'s. It ends by itself when the console does, and takes its workers along. One
that does not answer is ended: whoever needs another makes one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
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
from dashboard.waiting import Cancelled, never, wait_for

__all__ = ["ForkServer", "ForkServerGone", "WorkerProcess", "how_ended"]

_START_TIMEOUT_S: Final = 30.0
"""A fork takes milliseconds; a machine that swaps may take long."""
_END_TIMEOUT_S: Final = 5.0
_SETTINGS: Final = "LOADONCE_"


class ForkServerGone(Exception):
    """The preloaded process ended, or was stuck and has been ended. The message says what became of it."""


@dataclass(slots=True, eq=False)
class WorkerProcess:
    """A forked worker.

    Attributes:
        pid: known once it has `begun`. status: its exit status once it has `ended`; negative for a signal.
        refusal: why it was not forked, in the words of the preloaded process.
        fault: set when the preloaded process ended and took it along: it has no status then.
    """

    id: str
    server: ForkServer
    pid: int | None = None
    status: int | None = None
    refusal: str | None = None
    fault: str | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended already."""
        self.server.signal(self, number)

    def kill(self) -> None:
        """End it. When the preloaded process does not obey for some seconds, end both."""
        self.signal(signal.SIGKILL)
        if not self.ended.wait(_END_TIMEOUT_S):
            if self.pid is not None:  # its parent has not reaped it, so the pid is still its own
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            self.server.kill(f"did not obey for {_END_TIMEOUT_S:g} s and was ended")
            self.ended.wait(_END_TIMEOUT_S)


class ForkServer:
    """One preloaded process, from its launch to its end. Threading: any thread may call anything.

    One lock guards the socket's writing end and the table of workers; it is held for one message.

    Attributes:
        warmth: `importing` or `ready`, until it has ended.
        settled: set when it is ready or has ended. ended: set when it has ended; `fate` and `killed` then
            tell how, and `warmth` how far it had come.
    """

    def __init__(self, text: str = "Warming up: importing torch and transformers, once.") -> None:
        """Launch it.

        Raises:
            OSError, RuntimeError: the system gives no process, no memory, no file or no thread.
        """
        self._lock = threading.Lock()
        self._workers: dict[str, WorkerProcess] = {}
        self._count = 0
        self._over = False
        self._why: str | None = None
        self._since = time.monotonic()
        self.warmth = Warmth("importing", text)
        self.fate = ""
        self.killed = False
        self.settled, self.ended = threading.Event(), threading.Event()
        with contextlib.ExitStack() as undo:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            undo.callback(self._socket.close)
            with theirs:
                # A process that is stuck reads nothing: the wait for room is bounded, in seconds and µs.
                self._socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(_END_TIMEOUT_S), 0)
                )
                said = undo.enter_context(tempfile.TemporaryFile())  # a pipe that nobody reads would fill up
                self._process = _launch(theirs, said)
                undo.callback(self._process.wait)
                undo.callback(self._process.kill)
            # Daemons: a console that crashes must not wait for them.
            self._watcher = threading.Thread(target=self._watch, name="preloaded-end", daemon=True)
            self._reader = threading.Thread(target=self._read, args=(said,), name="preloaded", daemon=True)
            self._watcher.start()
            self._reader.start()
            undo.pop_all()

    @property
    def pid(self) -> int:
        """Of the preloaded process itself."""
        return self._process.pid

    def fork(self, fds: Sequence[int], env: Mapping[str, str], cancelled: Cancelled = never) -> WorkerProcess:
        """Fork a worker. `fds` are its listening socket, its stdout and its stderr; the caller keeps its own.

        For a process that is ready. Nothing is left running when this raises.

        Raises:
            TargetError: it could not fork, or `cancelled()` became true.
            ForkServerGone: it has ended, or had to be ended because it gave no answer.
        """
        with self._lock:
            self._count += 1
            worker = WorkerProcess(f"w{self._count}", self)
            if not self._over:
                self._workers[worker.id] = worker
                self._send({"op": "start", "id": worker.id, "env": dict(env)}, fds)
        if not self._over and not wait_for(worker.begun, _START_TIMEOUT_S, cancelled):
            self._give_up(worker, cancelled)
        if worker.refusal is not None:
            raise TargetError(
                f"The worker process did not start: {worker.refusal}. "
                "Try again; if it stays so, look at the memory and the process limit of this machine."
            )
        if worker.pid is None or worker.fault is not None:
            raise ForkServerGone(self.fate or f"The preloaded process {self._why or 'is gone'}.")
        return worker

    def signal(self, worker: WorkerProcess, number: int) -> None:
        """Send a signal to a worker of this process; nothing happens when it has ended already."""
        with self._lock:
            if not worker.ended.is_set():
                self._send({"op": "stop", "id": worker.id, "signal": number})

    def kill(self, why: str) -> None:
        """End it at once, and its workers with it; `why` becomes part of its `fate`."""
        self._why = self._why or why
        self._process.kill()

    def close(self) -> None:
        """End it and every worker of it. Idempotent; blocks for some seconds at the longest."""
        self._why = self._why or "was closed with the console"
        if self.warmth.state == "importing":  # it has no worker yet, and does not listen until it is done
            self._process.kill()
        with self._lock:
            if not self._over:
                self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(2 * _END_TIMEOUT_S)
        self._watcher.join(_END_TIMEOUT_S)

    def _give_up(self, worker: WorkerProcess, cancelled: Cancelled) -> None:
        """Leave no worker behind that has not begun in time, or that nobody wants any more."""
        with self._lock:
            if worker.begun.is_set() and not cancelled():
                return  # in the last moment
            # It may fork later: then this is the next that it reads, and what it tells of it is nobody's.
            self._workers.pop(worker.id, None)
            self._send({"op": "stop", "id": worker.id, "signal": signal.SIGKILL})
        if cancelled():
            raise TargetError("The start of the worker was cancelled.")
        self.kill(f"gave no answer for {_START_TIMEOUT_S:g} s and was ended")
        self.ended.wait(_END_TIMEOUT_S)

    def _send(self, request: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one message, with the lock held. After one that was cut short no other can be understood."""
        if self._over:
            return
        line = json.dumps(request).encode() + b"\n"
        try:
            sent = socket.send_fds(self._socket, [line], fds) if fds else 0
            self._socket.sendall(line[sent:])
        except (BrokenPipeError, ConnectionResetError):
            pass  # it is gone: the reader meets the end as well, and finds out how it came
        except OSError:
            self.kill("took no more messages and was ended")

    def _watch(self) -> None:
        """End the reader with the process: a worker in its first moment holds the other end open, too."""
        self._process.wait()
        with self._lock:
            if not self._over:
                self._socket.shutdown(socket.SHUT_RD)  # what has come already is still read

    def _read(self, said: IO[bytes]) -> None:
        # A line may be cut off by its sender's end, and after close() there is no more to read.
        with (
            contextlib.suppress(OSError, ValueError),
            self._socket.makefile("r", encoding="utf-8") as replies,
        ):
            for line in replies:
                self._take(json.loads(line))
        try:
            status = self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        with said:
            said.seek(0)
            words = said.read().decode("utf-8", "replace").strip().splitlines()
        self.killed = status < 0
        self.fate = self._obituary(status, words[-1].rstrip(".") if words else None)
        with self._lock:
            self._over = True
            self._socket.close()
            workers = list(self._workers.values())
            self._workers.clear()
        for worker in workers:  # it has taken them along
            worker.fault = (
                f"{self.fate} Its worker went with it, so this says nothing about the service. "
                "The process starts anew by itself: launch the run again."
            )
            worker.begun.set()
            worker.ended.set()
        self.ended.set()
        self.settled.set()

    def _obituary(self, status: int, words: str | None) -> str:
        if self._why is not None:
            return f"The preloaded process {self._why}."
        doing = (
            "the workers' libraries were imported" if self.warmth.state == "importing" else "it was needed"
        )
        how = how_ended(status) + (f": {words}" if words and status > 0 else "")
        return f"The preloaded process ended while {doing} ({how})."

    def _take(self, reply: Mapping[str, Any]) -> None:
        with self._lock:
            worker = self._workers.get(reply.get("id", ""))
            match reply["event"]:
                case "ready":
                    seconds = time.monotonic() - self._since
                    text = "Ready: a trial starts at once."
                    self.warmth = Warmth("ready", text, seconds, reply.get("versions", {}))
                    self.settled.set()
                case "started" if worker is not None:
                    worker.pid = reply["pid"]
                    worker.begun.set()
                case "exited" if worker is not None:
                    del self._workers[worker.id]
                    worker.status = reply["status"]
                    worker.ended.set()
                case "error" if worker is not None and not worker.begun.is_set():
                    del self._workers[worker.id]
                    worker.refusal = reply["text"]
                    worker.begun.set()
                    worker.ended.set()
                case _:
                    pass  # of a worker that was given up, or news of a later version of the protocol


def how_ended(status: int | None) -> str:
    """Return `exit status 1`, `signal SIGKILL`."""
    if status is None:
        return "its end was not seen"
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has a number only
        return f"signal {-status}"


def _launch(theirs: socket.socket, said: IO[bytes]) -> subprocess.Popen[bytes]:
    # The settings of a worker are those that its run records, and no others: what the user's shell holds for
    # a service of his own would change what is measured, and nobody would see it in the record.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return subprocess.Popen(
        [sys.executable, "-m", "loader.preload", "--fd", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        cwd=PROJECT_ROOT,
        start_new_session=True,  # Ctrl-C is for the console, which then ends this
        env={**inherited, "PYTHONUNBUFFERED": "1"},
    )
