"""The local target: a fresh worker process on a loopback port for every trial."""

from __future__ import annotations

import http.client
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dashboard.evidence import Stream, Worker, WorkerEnd
from dashboard.home import PROJECT_ROOT
from dashboard.logs import LineSplitter, LogRing
from dashboard.settings import Guard, RunSettings
from dashboard.targets.base import LineSink, TargetError, Warmth
from dashboard.targets.preloaded import Preloaded

__all__ = ["LocalSession", "LocalTarget"]

_BACKLOG: Final = 4096
_READ: Final = 1024 * 1024
_TERM_GRACE_S: Final = 2.0
_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+")


class LocalTarget:
    """Worker processes that the console starts itself, out of one preloaded process."""

    name: Final = "local"

    def __init__(self, home: Path) -> None:
        self._demo = home / "checkpoints" / "demo"
        self._making = threading.Lock()  # guards the making of the demo checkpoint: once, not per run
        self._preloaded = Preloaded()

    def preflight(self, settings: RunSettings) -> None:
        """Look whether the checkpoint is whole; the demo checkpoint is made when it is missing.

        Raises:
            TargetError: the folder is missing, half written or not LLaVA, or the demo could not be made.
        """
        if settings.model is None:
            with self._making:
                # The maker checks what is there first, and looks after several makers at once.
                _checkpoint_tool(str(self._demo))
        elif not _is_hub_id(settings.model):
            _checkpoint_tool("--check", str(Path(settings.model).expanduser()))

    def warmth(self) -> Warmth:
        """Tell how far the preloaded process is."""
        return self._preloaded.warmth()

    def wait_warm(self, timeout: float) -> Warmth:
        """Block until the preloaded process can fork, has failed, or `timeout` seconds are over."""
        return self._preloaded.wait_warm(timeout)

    def start(self, settings: RunSettings, guard: Guard, source: str, sink: LineSink) -> LocalSession:
        """Fork a fresh worker that listens on a free loopback port.

        Raises:
            TargetError: the process could not be started.
        """
        model = settings.model or str(self._demo)
        if not _is_hub_id(model):
            model = str(Path(model).expanduser().absolute())
        env = {"LOADONCE_MODEL": model, "LOADONCE_GUARD": guard}
        return LocalSession(self._preloaded, env, source, sink)

    def close(self) -> None:
        """End the preloaded process and its workers. Idempotent."""
        self._preloaded.close()


class LocalSession:
    """One worker process, from its fork to its end. See `targets.base.Session`."""

    def __init__(self, preloaded: Preloaded, env: Mapping[str, str], source: str, sink: LineSink) -> None:
        self.ring = LogRing(source)
        self._preloaded, self._sink = preloaded, sink
        self._closing = False
        self._boot: str | None = None
        self._ended_at: float | None = None
        # The console listens and the worker inherits: no port is guessed, and an early request waits.
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
            self.host, self.port = listener.getsockname()
            out, err = os.pipe(), os.pipe()
            try:
                self._process = preloaded.start([listener.fileno(), out[1], err[1]], env)
            except TargetError:
                os.close(out[0])
                os.close(err[0])
                raise
            finally:
                os.close(out[1])
                os.close(err[1])
        self._capture = threading.Thread(
            target=self._read, args=({out[0]: "stdout", err[0]: "stderr"},), name=f"log-{source}"
        )
        self._capture.start()

    def wait_alive(self, timeout: float) -> Worker:
        """Block until the worker answers `/healthz`.

        Raises:
            TargetError: it ended before it did, or `timeout` seconds were over.
        """
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            health = self._ask("/healthz", min(left, 5.0))
            if health is not None:
                self._boot = health["boot"]
                return Worker(health["boot"], health.get("pid"), self.ring.source, "healthz")
            if self._process.ended.wait(0.02):
                self._capture.join(1)
                raise TargetError(
                    f"The worker ended before it was alive ({_how(self._process.status)}). "
                    f"Its last words: {self._last_words()}"
                )
        raise TargetError(
            f"The worker was not alive after {timeout:g} s. Look at its log for what held it up."
        )

    def loader_report(self, since: int = 0) -> Mapping[str, Any] | None:
        """Return the worker's `/loader` report, or None when it does not answer."""
        return self._ask(f"/loader?seq={since}", 5.0)

    @property
    def end(self) -> WorkerEnd | None:
        """How the worker ended, if nobody told it to."""
        if self._closing or not self._process.ended.is_set():
            return None
        self._ended_at = self._ended_at or time.time()
        # The kernel's killer leaves SIGKILL and no word; whoever else sends it does so on purpose.
        return WorkerEnd(self.ring.source, self._ended_at, self._process.status, boot=self._boot)

    def close(self, *, force: bool = False) -> None:
        """End the worker: politely, then by force. What it wrote until then is in the ring."""
        if not self._closing and not self._process.ended.is_set():
            self._closing = True
            if not force:
                self._preloaded.signal(self._process, signal.SIGTERM)
            if force or not self._process.ended.wait(_TERM_GRACE_S):
                self._preloaded.signal(self._process, signal.SIGKILL)
                self._process.ended.wait()
        self._capture.join()

    def _ask(self, path: str, timeout: float) -> dict[str, Any] | None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            document = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return document if isinstance(document, dict) else None

    def _read(self, streams: dict[int, Stream]) -> None:
        splitters = {fd: LineSplitter() for fd in streams}
        with selectors.DefaultSelector() as selector:
            for fd in streams:
                selector.register(fd, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    fd = key.fd
                    data = os.read(fd, _READ)
                    self._take(streams[fd], splitters[fd].feed(data) if data else splitters[fd].finish())
                    if not data:
                        selector.unregister(fd)
                        os.close(fd)
        self.ring.close()

    def _take(self, stream: Stream, texts: list[str]) -> None:
        if texts:
            self._sink(self.ring.append(stream, time.time(), texts))

    def _last_words(self) -> str:
        lines = self.ring.read(max(0, self.ring.next - 50)).lines
        said = [line.text for line in lines if line.text.strip()]
        return said[-1] if said else "none."


def _is_hub_id(model: str) -> bool:
    """Tell a hub id from a folder: what exists, or is written like a path, is a folder."""
    return _HUB_ID.fullmatch(model) is not None and not Path(model).exists()


def _checkpoint_tool(*arguments: str) -> None:
    # A process of its own: the console never imports the loader's libraries.
    done = subprocess.run(
        [sys.executable, "-m", "loader.checkpoint", *arguments],
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise TargetError(said[-1] if said else f"The checkpoint tool ended with status {done.returncode}.")


def _how(status: int | None) -> str:
    if status is None:
        return "its end was not seen"
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
