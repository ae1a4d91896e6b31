"""Sends N requests at the same instant: a program of its own, so that nothing in the console delays a thread.

    console                               this program
      plan as one JSON line  ------------>  N threads, each with an open connection
                             <------------  {"event":"ready"}, before it {"event":"unreachable",…} if none is
      "go"                   ------------>  the barrier opens, or {"event":"unreachable",…} before it
                             <------------  {"event":"sent",…} {"event":"answered",…} … {"event":"done",…}

A thread per request behind one barrier gives less skew than any event loop, and http.client holds up at a
thousand connections. Standard library only, so that it starts in a few hundredths of a second. When standard
input ends, whoever started it is gone, and so is this program.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import selectors
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["main"]

_STACK: Final = 256 * 1024  # bytes a thread: a thousand of them must not need gigabytes of address space
_CONNECT_TIMEOUT_S: Final = 30.0
_MOST: Final = 1024 * 1024  # bytes of an answer that are read; a stranger's may never end


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    headers: dict[str, str]
    body: str | None


@dataclass(frozen=True, slots=True)
class _Plan:
    host: str
    port: int
    timeout_s: float
    requests: dict[str, _Request]


class _Release:
    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        self._reports: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        # One more than there are senders: the main thread opens the barrier when it is told to.
        self._barrier = threading.Barrier(len(plan.requests) + 1)
        self._connected = threading.Semaphore(0)
        self._sent: list[float] = []
        self._unconnected: list[OSError] = []
        self._open: list[socket.socket] = []

    def run(self) -> None:
        writer = threading.Thread(target=self._write, name="reports")
        writer.start()
        threads = [
            threading.Thread(target=self._send, args=item, name=f"send-{item[0]}")
            for item in self._plan.requests.items()
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            self._connected.acquire()
        if threads and len(self._unconnected) == len(threads):
            why = self._unconnected[0].strerror or str(self._unconnected[0])
            self._reports.put({"event": "unreachable", "error": why})
        self._reports.put({"event": "ready"})
        if sys.stdin.readline().strip() != "go":
            os._exit(3)
        threading.Thread(target=_leave_with_the_console, name="lifeline", daemon=True).start()
        if self._open and len(self._unconnected) + _hung_up(self._open) == len(threads):
            # As a published port does that nobody in the container listens on
            self._reports.put({"event": "unreachable", "error": "it hangs up before it is asked anything"})
        self._barrier.wait()
        for thread in threads:
            thread.join()
        skew = (max(self._sent) - min(self._sent)) * 1000 if self._sent else None
        self._reports.put({"event": "done", "skew_ms": skew})
        self._reports.put(None)
        writer.join()

    def _send(self, variant_id: str, request: _Request) -> None:
        plan = self._plan
        body = None if request.body is None else request.body.encode()
        connection = http.client.HTTPConnection(plan.host, plan.port, timeout=_CONNECT_TIMEOUT_S)
        refused: OSError | None = None
        try:
            connection.connect()
            connection.sock.settimeout(plan.timeout_s)
            self._open.append(connection.sock)  # atomic
        except OSError as error:
            refused = error
            self._unconnected.append(error)  # atomic, too
        self._connected.release()
        self._barrier.wait()
        sent = time.time()
        self._sent.append(sent)  # list.append is atomic, with and without a GIL
        self._reports.put({"event": "sent", "id": variant_id, "time": sent})
        report: dict[str, Any]
        try:
            if refused is not None:
                raise refused
            connection.request(request.method, request.path, body, request.headers)
            response = connection.getresponse()
            text = response.read(_MOST)
            report = {"event": "answered", "status": response.status, "body": text.decode("utf-8", "replace")}
        except TimeoutError:
            report = {"event": "failed", "error": f"no answer within {plan.timeout_s:g} s"}
        except (
            OSError,
            http.client.HTTPException,
            ValueError,
        ) as error:  # ValueError: what HTTP cannot carry
            report = {"event": "failed", "error": f"the connection broke: {error or type(error).__name__}"}
        finally:
            connection.close()
        self._reports.put(report | {"id": variant_id, "time": time.time()})

    def _write(self) -> None:
        # One writer, so that no thread waits for a pipe between two requests.
        while (report := self._reports.get()) is not None:
            sys.stdout.write(json.dumps(report) + "\n")
            if self._reports.empty():
                sys.stdout.flush()
        sys.stdout.flush()


def _hung_up(connections: list[socket.socket]) -> int:
    """Count those that the other side has closed already, though nothing was sent on them."""
    closed = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ, connection)
        for ready, _ in selector.select(0):
            try:
                closed += ready.data.recv(1, socket.MSG_PEEK) == b""
            except OSError:  # by a reset
                closed += 1
    return closed


def _leave_with_the_console() -> None:
    sys.stdin.read()
    os._exit(3)


def _raise_file_limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Read the plan from standard input, release when told to, report on standard output."""
    _raise_file_limit()
    threading.stack_size(_STACK)
    sys.setswitchinterval(0.0005)  # a released thread shall not wait 5 ms for the one before it
    document = json.loads(sys.stdin.readline())
    requests = {name: _Request(**request) for name, request in document.pop("requests").items()}
    try:
        _Release(_Plan(requests=requests, **document)).run()
    except RuntimeError as error:  # "can't start new thread"
        limit = f"the system gave no more threads for {len(requests):,} requests ({error})"
        sys.stdout.write(json.dumps({"event": "refused", "error": limit}) + "\n")
        sys.stdout.flush()
        os._exit(4)


if __name__ == "__main__":
    main()
