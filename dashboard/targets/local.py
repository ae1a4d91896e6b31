"""The local target: a fresh worker process on a loopback port for every trial."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from dashboard.evidence import Gap, Variant, Worker, WorkerEnd
from dashboard.home import PROJECT_ROOT
from dashboard.logs import LogRing
from dashboard.memory import MemorySample, Yardstick
from dashboard.revision import git_revision
from dashboard.settings import Guard, RunSettings
from dashboard.targets.base import LineSink, TargetError, Warmth
from dashboard.targets.capture import Capture
from dashboard.targets.fork_server import how_ended
from dashboard.targets.preloaded import Preloaded
from dashboard.targets.process_memory import pss_of
from dashboard.targets.warming import warmed
from dashboard.targets.worker_http import WorkerHttp
from dashboard.targets.worker_memory import sampled, told_yardstick
from dashboard.triggers.base import Trigger
from dashboard.triggers.worker import WorkerTrigger
from dashboard.usage import Usage
from dashboard.waiting import Cancelled, never

__all__ = ["LocalSession", "LocalTarget"]

_BACKLOG: Final = 4096
_TERM_GRACE_S: Final = 2.0
_LAST_WORDS_S: Final = 5.0
_HEALTH_S: Final = 5.0
_REPORT_S: Final = 5.0
_CHECK_TIMEOUT_S: Final = 60.0
_MAKE_TIMEOUT_S: Final = 300.0
_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}")


class LocalTarget:
    """Worker processes that the console starts itself, out of one preloaded process."""

    name: Final = "local"
    profile: Final = None

    def __init__(self, home: Path) -> None:
        self._demo = home / "checkpoints" / "demo"
        self._making = threading.Lock()  # guards the making of the demo checkpoint: once, not per run
        self._preloaded = Preloaded()
        self._revision: str | None = None

    def preflight(self, settings: RunSettings) -> None:
        """Look whether the checkpoint is whole; the demo checkpoint is made when it is missing.

        Raises:
            TargetError: the folder is missing, half written or not LLaVA, or the demo could not be made.
        """
        if settings.model is None:
            with self._making:
                # The maker checks what is there first, and looks after several makers at once.
                _checkpoint_tool(str(self._demo), timeout=_MAKE_TIMEOUT_S)
        elif not _is_hub_id(settings.model):
            _checkpoint_tool("--check", _folder(settings.model), timeout=_CHECK_TIMEOUT_S)
        self._preloaded.renew()  # what failed before may have been put right

    def beginning(self, settings: RunSettings) -> str:
        """Say what `start` does."""
        return "Starting a fresh worker."

    def warmth(self) -> Warmth:
        """Tell how far the preloaded process is."""
        return self._preloaded.warmth()

    def wait_warm(self, timeout: float) -> Warmth:
        """Block until the preloaded process can fork, has failed, or `timeout` seconds are over.

        Among its versions is the revision of this project, if it is a checkout.
        """
        warmth = self._preloaded.wait_warm(timeout)
        if warmth.state != "ready":
            return warmth
        if self._revision is None:  # once: the source as it was when it was imported
            self._revision = git_revision(PROJECT_ROOT) or ""
        told = {"git revision": self._revision} if self._revision else {}
        return replace(warmth, versions={**warmth.versions, **told})

    def start(
        self,
        settings: RunSettings,
        guard: Guard,
        source: str,
        sink: LineSink,
        cancelled: Cancelled = never,
    ) -> LocalSession:
        """Fork a fresh worker that listens on a free loopback port.

        Raises:
            TargetError: the process could not be started, or `cancelled()` became true.
        """
        model = settings.model or str(self._demo)
        env = {"LOADONCE_MODEL": model if _is_hub_id(model) else _folder(model), "LOADONCE_GUARD": guard}
        return LocalSession(self._preloaded, env, source, sink, cancelled)

    def close(self) -> None:
        """End the preloaded process and its workers. Idempotent."""
        self._preloaded.close()


class LocalSession:
    """One worker process, from its fork to its end. See `targets.base.Session`."""

    listens_early: Final = True
    baseline: Final = None  # it is always started for the trial

    def __init__(
        self,
        preloaded: Preloaded,
        env: Mapping[str, str],
        source: str,
        sink: LineSink,
        cancelled: Cancelled = never,
    ) -> None:
        self.ring = LogRing(source)
        self._closing = False
        self._boot: str | None = None
        self._ended_at: float | None = None
        try:
            # The console listens and the worker inherits: no port is guessed, and an early request waits.
            listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
            with listener:
                self.host, self.port = listener.getsockname()
                self._capture = Capture(self.ring, sink)
                try:
                    fds = (listener.fileno(), *self._capture.writing)
                    self._process = preloaded.start(fds, env, cancelled)
                except BaseException:
                    self._capture.close(0)
                    raise
                self._capture.let_go()
        except (OSError, RuntimeError) as error:
            raise TargetError(
                f"The worker got no socket, pipes or thread ({getattr(error, 'strerror', None) or error}). "
                "Close other programs or raise the limits of this machine, and launch the run again."
            ) from error

    def open_trigger(
        self, variants: tuple[Variant, ...], *, timeout_s: float, on_change: Callable[[], None]
    ) -> Trigger:
        """Return what releases `variants` at its `POST /variants`.

        Raises:
            TriggerError: the system gives no process for it.
        """
        return WorkerTrigger(
            variants, host=self.host, port=self.port, timeout_s=timeout_s, on_change=on_change
        )

    def wait_alive(self, timeout: float, cancelled: Cancelled = never) -> Worker:
        """Block until the worker answers `/healthz`.

        Raises:
            TargetError: it ended before it did, `timeout` seconds were over, or `cancelled()` became true.
        """
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            health = self._ask("/healthz", min(left, _HEALTH_S), cancelled)
            if health is not None and isinstance(health.get("boot"), str):
                self._boot = health["boot"]
                return Worker(health["boot"], health.get("pid"), self.ring.source, "healthz")
            if cancelled():
                raise TargetError("The wait for the worker was cancelled before it was alive.")
            if self._process.ended.wait(0.02):
                self._capture.wait(1)
                raise TargetError(
                    self.fault
                    or f"The worker ended before it was alive ({how_ended(self._process.status)}). "
                    f"Its last words: {self._last_words()}"
                )
        raise TargetError(
            f"The worker was not alive after {timeout:g} s. Look at its log for what held it up."
        )

    def warm_up(self, timeout: float, cancelled: Cancelled = never) -> tuple[str, int]:
        """Have it load its model by a request that is no part of the trial.

        Raises:
            TargetError: it did not, not in time, or `cancelled()` became true.
        """
        ended = self._process.ended
        return warmed(
            WorkerHttp(self.host, self.port), timeout, cancelled=lambda: cancelled() or ended.is_set()
        )

    def loader_report(self, since: int = 0, cancelled: Cancelled = never) -> Mapping[str, Any] | None:
        """Return the worker's `/loader` report, or None when it does not answer."""
        return self._ask(f"/loader?seq={since}", _REPORT_S, cancelled)

    def gaps(self) -> tuple[Gap, ...]:
        """Nothing: its output comes through a pipe, and whatever is in it arrives."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing: its output is not buffered."""
        return ()

    def usage(self) -> tuple[Usage, ...]:
        """Nobody measures a process that lives for seconds."""
        return ()

    def memory(self) -> MemorySample | None:
        """Read its process's PSS from the kernel; what lies on GPUs the worker itself must tell."""
        pid = self._process.pid
        pss = None if pid is None or self._process.ended.is_set() else pss_of(pid)
        return sampled(pss, WorkerHttp(self.host, self.port), self._process.ended.is_set)

    def yardstick(self, report: Mapping[str, Any] | None) -> Yardstick:
        """As the worker has counted its tensors."""
        return told_yardstick(report)

    @property
    def end(self) -> WorkerEnd | None:
        """How the worker ended, if nobody told it to and it was not taken along by the preloaded process."""
        process = self._process
        if self._closing or not process.ended.is_set() or process.fault is not None:
            return None
        self._ended_at = self._ended_at or time.time()
        # The kernel's killer leaves SIGKILL and no word; whoever else sends it does so on purpose.
        return WorkerEnd(self.ring.source, self._ended_at, process.status, boot=self._boot)

    @property
    def fault(self) -> str | None:
        """What became of the preloaded process, when it ended and took the worker along."""
        return None if self._closing else self._process.fault

    def close(self, *, force: bool = False) -> None:
        """End the worker: politely, then by force. What it wrote until then is in the ring.

        Blocks for a moment; where the worker or the preloaded process is stuck, for some seconds.
        """
        if not self._closing and not self._process.ended.is_set():
            self._closing = True
            if not force:
                self._process.signal(signal.SIGTERM)
            if force or not self._process.ended.wait(_TERM_GRACE_S):
                self._process.kill()
        self._capture.close(_LAST_WORDS_S)

    def _ask(self, path: str, timeout: float, cancelled: Cancelled) -> dict[str, Any] | None:
        ended = self._process.ended
        return WorkerHttp(self.host, self.port).ask(path, timeout, lambda: cancelled() or ended.is_set())

    def _last_words(self) -> str:
        lines = self.ring.read(max(0, self.ring.next - 50)).lines
        said = [line.text for line in lines if line.text.strip()]
        return said[-1] if said else "none."


def _is_hub_id(model: str) -> bool:
    """Tell a hub id from a folder: what exists, or is written like a path, is a folder."""
    return _HUB_ID.fullmatch(model) is not None and not Path(model).exists()


def _folder(model: str) -> str:
    """Return a folder as the user meant it, seen from where the console was started.

    Absolute, because the tools work elsewhere, and because a name that begins with `-` would be an option.
    """
    try:
        return str(Path(model).expanduser().absolute())
    except RuntimeError as error:  # ~somebody who is not there
        raise TargetError(f"The checkpoint folder {model!r} cannot be found ({error}).") from error


def _checkpoint_tool(*arguments: str, timeout: float) -> None:
    # A process of its own: the console never imports the loader's libraries.
    try:
        done = subprocess.run(
            [sys.executable, "-m", "loader.checkpoint", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=PROJECT_ROOT,
            check=False,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise TargetError(
            f"The checkpoint {arguments[-1]} could not be looked at within {timeout:g} s. "
            "Look whether its disk hangs or the machine is overloaded."
        ) from error
    except (OSError, ValueError) as error:  # no process; a NUL in the name
        raise TargetError(f"The checkpoint {arguments[-1]!r} cannot be looked at ({error}).") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise TargetError(said[-1] if said else f"The checkpoint tool ended ({how_ended(done.returncode)}).")
