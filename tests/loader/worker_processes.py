"""Real worker processes for tests: one preloaded process, workers forked from it, and requests to them."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from loader.events import LoadEvent, parse_line

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0


def png(colour: str = "crimson", size: int = 64) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def variant(number: int = 1, **changes: Any) -> dict[str, Any]:
    body = {
        "job_id": "job-1",
        "variant_id": f"variant-{number}",
        "prompt": "<image> What is it?",
        "image": png(),
    }
    return {key: value for key, value in (body | changes).items() if value is not None}


class Output:
    """What a worker wrote to one of its outputs, read on a thread of its own."""

    def __init__(self, fd: int) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(fd,))
        self._thread.start()

    def _read(self, fd: int) -> None:
        with os.fdopen(fd, encoding="utf-8", errors="replace") as file:
            for line in file:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def events(self) -> list[LoadEvent]:
        return [event for line in self.lines if (event := parse_line(line)) is not None]

    def wait_for(self, text: str) -> str:
        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, DEADLINE_S)
        line = found()
        assert line is not None, f"{text!r} never came; what came: {self.lines}"
        return line

    def whole(self) -> list[str]:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "somebody still holds the writing end"
        return self.lines


class RunningWorker:
    """A worker on a loopback port: how it was started does not matter here."""

    def __init__(self, port: int, pid: int, out: Output, err: Output) -> None:
        self.port, self.pid, self.out, self.err = port, pid, out, err

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.getheader("Content-Type") or ""
            return answer.status, json.loads(text) if "json" in kind else text.decode()
        finally:
            connection.close()

    def wait_alive(self) -> dict[str, Any]:
        status, health = self.ask("GET", "/healthz")  # the socket listens before the worker does: this waits
        assert status == 200
        return dict(health)

    def release(self, bodies: Sequence[Mapping[str, Any]]) -> list[tuple[int, Any]]:
        """Send all bodies at the same moment; the answers in their order."""
        answers: list[tuple[int, Any]] = [(0, None)] * len(bodies)
        barrier = threading.Barrier(len(bodies))

        def send(number: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
            connection.connect()
            data = json.dumps(bodies[number]).encode()
            barrier.wait(DEADLINE_S)
            connection.request("POST", "/variants", data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answers[number] = answer.status, json.loads(answer.read())
            connection.close()

        threads = [threading.Thread(target=send, args=(number,)) for number in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        return answers

    def launch(self, count: int) -> list[tuple[int, Any]]:
        return self.release([variant(number) for number in range(count)])

    def kinds(self) -> list[str]:
        """The kinds of the events so far, as the worker itself tells them."""
        return [event["kind"] for event in self.ask("GET", "/loader")[1]["events"]]


class PreloadedProcess:
    """The test's end of `python -m loader.preload`."""

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = checkpoint
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "loader.preload", "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
            )
        self._replies = self.socket.makefile("r", encoding="utf-8")
        self._news: queue.Queue[dict[str, Any]] = queue.Queue()
        self._count = 0
        self._exits: dict[str, int] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.importing = self.next("importing")
        self.ready = self.next("ready")

    def _read(self) -> None:
        for line in self._replies:
            self._news.put(json.loads(line))

    def next(self, event: str) -> dict[str, Any]:
        while True:
            news = self._news.get(timeout=DEADLINE_S)
            if news["event"] == event:
                return news
            if news["event"] == "exited":
                self._exits[news["id"]] = news["status"]
            assert event in ("exited", "importing", "ready", "started", "error")

    def say(self, request: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        socket.send_fds(self.socket, [json.dumps(request).encode() + b"\n"], list(fds))

    @contextmanager
    def worker(self, env: Mapping[str, str | None] | None = None) -> Iterator[RunningWorker]:
        """A fresh worker; it is killed on leaving unless it has ended."""
        self._count += 1
        name = f"w{self._count}"
        out, err = os.pipe(), os.pipe()
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
            port = listener.getsockname()[1]
            settings = {"LOADONCE_MODEL": str(self._checkpoint), **(env or {})}
            self.say({"op": "start", "id": name, "env": settings}, [listener.fileno(), out[1], err[1]])
            pid = self.next("started")["pid"]
        os.close(out[1])
        os.close(err[1])
        worker = RunningWorker(port, pid, Output(out[0]), Output(err[0]))
        worker.name = name  # type: ignore[attr-defined]
        try:
            yield worker
        finally:
            if name not in self._exits:
                self.say({"op": "stop", "id": name, "signal": int(signal.SIGKILL)})
            self.exit_status(name)
            worker.out.whole()
            worker.err.whole()

    def exit_status(self, name: str) -> int:
        while name not in self._exits:
            news = self.next("exited")
            self._exits[news["id"]] = news["status"]
        return self._exits[name]

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        self._replies.close()
        self.socket.close()


def wait_until_gone(pid: int) -> None:
    """Wait for the end of a process that is not our child."""
    deadline = time.monotonic() + DEADLINE_S
    gone = threading.Event()
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, f"process {pid} lives on"
        gone.wait(0.02)
