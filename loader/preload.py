"""The preloaded process: imports torch, transformers and the worker once, and forks fresh workers from that.

    python -m loader.preload --fd N        N: an inherited UNIX stream socket

Importing takes seconds, a fork milliseconds, and the forked worker is as clean as a new process: this one
never runs a torch operation, never loads, and has no thread of Python's.

Protocol: one JSON object a line, in both directions.

    -> {"op":"start","id":"w1","env":{"LOADONCE_GUARD":"off",…}}     with three file descriptors (SCM_RIGHTS):
                                                                     listening TCP socket, stdout, stderr
    -> {"op":"stop","id":"w1","signal":15}                           15 asks, 9 ends at once
    <- {"event":"importing"}                                         at once
    <- {"event":"ready","seconds":5.8,"versions":{"torch":"…",…}}    from now on `start` is answered
    <- {"event":"started","id":"w1","pid":4711}
    <- {"event":"exited","id":"w1","status":0}                       negative: the number of a signal
    <- {"event":"error","id":"w1","text":"…"}                        a request that could not be done

`env` is laid over the environment of this process; a null takes a variable away. A worker runs in a session
of its own, with standard input from nowhere.

No orphans: when the other end of the socket goes, however it goes, all workers are killed and this process
ends. When this process is killed, its workers notice that the lifeline, a pipe whose writing end only it
holds, has ended, and end themselves; on Linux the kernel kills them, too.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from loader.errors import LoaderError
from loader.journal import JOURNAL

__all__ = ["main"]

_READ: Final = 256 * 1024
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class _Request:
    id: str
    env: Mapping[str, str | None]
    fds: tuple[int, int, int]


class _ForkServer:
    """One thread, one loop: requests, ended children. It forks, so it must stay without threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._children: dict[int, str] = {}
        self._received = bytearray()
        self._fds: deque[int] = deque()
        self._lifeline_end, self._lifeline = os.pipe()
        self._bell_end, self._bell = os.pipe()

    def run(self) -> NoReturn:
        """Import, then serve until the other end goes."""
        self._tell({"event": "importing"})
        began = time.monotonic()
        versions = _import_everything()
        gc.collect()
        gc.freeze()  # what is here now stays: a child's collector need not touch, and copy, these pages
        os.set_blocking(self._bell, False)
        os.set_blocking(self._bell_end, False)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the bell rings; the loop does the work
        seconds = round(time.monotonic() - began, 3)
        self._tell({"event": "ready", "seconds": seconds, "versions": versions})
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            selector.register(self._bell_end, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._connection:
                        self._receive()
                    else:
                        self._reap()

    def _receive(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._connection, _READ, 64)
        except ConnectionError:
            data, fds = b"", []
        if not data:
            self._end()
        self._fds.extend(fds)
        self._received += data
        while (cut := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:cut])
            del self._received[: cut + 1]
            self._do(line)
        if not self._received:
            self._close_unclaimed()

    def _do(self, line: bytes) -> None:
        name = None
        try:
            request = json.loads(line)
            name = request.get("id")
            match request["op"]:
                case "start":
                    self._start(request)
                case "stop":
                    self._stop(request["id"], int(request.get("signal", signal.SIGTERM)))
                case other:
                    raise ValueError(f"unknown op {other!r}; known are start and stop")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._tell({"event": "error", "id": name, "text": f"{type(error).__name__}: {error}"})

    def _start(self, request: Mapping[str, Any]) -> None:
        if len(self._fds) < 3:
            self._close_unclaimed()
            raise ValueError(
                "start needs three file descriptors: listening socket, stdout, stderr; "
                "they are lost on the way when this process may open no more files"
            )
        fds = (self._fds.popleft(), self._fds.popleft(), self._fds.popleft())
        try:
            if request["id"] in self._children.values():
                raise ValueError(f"{request['id']} runs already; ids are for one worker each")
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._become_worker(_Request(request["id"], request.get("env") or {}, fds), parent)
        finally:
            for fd in fds:
                os.close(fd)
        self._children[pid] = request["id"]
        self._tell({"event": "started", "id": request["id"], "pid": pid})

    def _close_unclaimed(self) -> None:
        """Close what no request has taken: left in the queue, it would go to the next one's worker."""
        while self._fds:
            os.close(self._fds.popleft())

    def _become_worker(self, request: _Request, parent: int) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            listener, out, err = request.fds
            nowhere = os.open(os.devnull, os.O_RDONLY)
            for fd, place in ((nowhere, 0), (out, 1), (err, 2)):
                os.dup2(fd, place)
            _close_all_but({0, 1, 2, listener, self._lifeline_end})
            _die_with(parent)
            threading.Thread(target=_watch, args=(self._lifeline_end,), name="lifeline", daemon=True).start()
            for key, value in request.env.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value
            JOURNAL.renew()
            gc.enable()
            _serve(listener)
        except BaseException as error:  # noqa: BLE001 - a child must never return into the parent's loop
            os.write(2, f"The worker cannot start: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(status)

    def _stop(self, name: str, number: int) -> None:
        for pid, child in self._children.items():
            if child == name:
                os.kill(pid, number)  # not reaped yet, so the pid is still this child's

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._bell_end, 4096)
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                name = self._children.pop(pid)
                self._tell({"event": "exited", "id": name, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: Mapping[str, Any]) -> None:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)
        os._exit(0)


def _import_everything() -> dict[str, str]:
    from loader.llava import import_libraries
    from loader.versions import versions

    import_libraries()
    # What these import lazily, at the first request, would be imported by every worker again
    import uvicorn.lifespan.off
    import uvicorn.logging
    import uvicorn.loops.auto
    import uvicorn.protocols.http.auto
    import uvicorn.protocols.websockets.auto  # noqa: F401
    from PIL import Image

    import loader.worker  # noqa: F401

    Image.init()
    return versions()


def _serve(listener: int) -> NoReturn:
    from loader.worker import read_settings, serve

    try:
        settings = read_settings(os.environ)
    except LoaderError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(2)
    serve(settings, socket.socket(fileno=listener))


def _close_all_but(kept: set[int]) -> None:
    last = 2
    for fd in sorted(kept - {0, 1, 2}):
        os.closerange(last + 1, fd)
        last = fd
    os.closerange(last + 1, _highest_fd() + 1)


def _highest_fd() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return max(int(name) for name in os.listdir(folder))  # noqa: PTH208 - numbers, not paths
        except OSError:
            continue
    return 4096


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; Linux only, elsewhere the lifeline does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended in between
        os._exit(1)


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)  # returns when the last writing end is closed, which only the parent has
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> NoReturn:
    """Run the preloaded process until the other end of its socket goes."""
    parser = argparse.ArgumentParser(
        prog="python -m loader.preload", description="Fork fresh workers, quickly."
    )
    parser.add_argument("--fd", type=int, required=True, help="number of an inherited UNIX stream socket")
    options = parser.parse_args()
    try:
        connection = socket.socket(fileno=options.fd)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        sys.stderr.write(f"--fd {options.fd} is no socket ({why}). Pass an inherited UNIX socket.\n")
        sys.exit(2)
    os.set_inheritable(options.fd, False)
    if os.getpid() != os.getsid(0):
        os.setsid()  # Ctrl-C in a terminal is for the console, which then closes the socket
    _ForkServer(connection).run()


if __name__ == "__main__":
    main()
