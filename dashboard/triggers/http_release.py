"""Variants released as HTTP requests, by a process of its own: `dashboard.release`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dashboard.evidence import Variant
from dashboard.home import PROJECT_ROOT
from dashboard.triggers.base import TriggerError, TriggerUnreachable
from dashboard.waiting import Cancelled, never, wait_for

__all__ = ["HttpRelease", "ReadAnswer", "Request"]

_ENDED_EARLY: Final = "the releasing process ended early"

ReadAnswer = Callable[[Variant, int, float, str], Variant]
"""Makes of a variant, the status, the time and the text of its answer what became of the variant."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent for one variant. It holds secrets in the clear: neither stored nor shown."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str | None = field(default=None, repr=False)

    def document(self) -> dict[str, Any]:
        """Return it as the releasing process reads it."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "body": self.body,
        }


class HttpRelease:
    """One request for each variant, all at once to one address. See `base.Trigger`.

    `requests` names them by variant id. `read_answer` is called on a thread of this class.
    """

    def __init__(
        self,
        variants: tuple[Variant, ...],
        requests: Mapping[str, Request],
        *,
        host: str,
        port: int,
        timeout_s: float,
        read_answer: ReadAnswer,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._variants: dict[str, Variant] = {variant.variant_id: variant for variant in variants}
        self._read_answer, self._on_change = read_answer, on_change
        self._ready, self._done = threading.Event(), threading.Event()
        self._refused: str | None = None
        self._unreachable: str | None = None  # of all
        self._address = f"{host}:{port}"
        self._closing = False
        self._skew_ms: float | None = None
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dashboard.release"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                cwd=PROJECT_ROOT,
                start_new_session=True,  # Ctrl-C is for the console, which then ends this
            )
        except OSError as error:
            raise TriggerError(_refused_by_system(error.strerror or str(error))) from error
        plan = {
            "host": host,
            "port": port,
            "timeout_s": timeout_s,
            "requests": {variant_id: request.document() for variant_id, request in requests.items()},
        }
        self._reader = threading.Thread(target=self._read, args=(json.dumps(plan),), name="trigger")
        try:
            self._reader.start()
        except RuntimeError as error:
            self.close()
            raise TriggerError(_refused_by_system(str(error))) from error

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every variant as it stands now."""
        return tuple(self._variants.values())

    @property
    def done(self) -> bool:
        """Whether every variant has been answered or has failed."""
        return self._done.is_set()

    @property
    def skew_ms(self) -> float | None:
        """From the first request sent to the last, once all have ended."""
        return self._skew_ms

    @property
    def unreached(self) -> str | None:
        """Why not one request could be sent: nobody takes connections, or each was hung up on before that."""
        if self._unreachable is None:
            return None
        return (
            f"Nothing can be reached at {self._address} ({self._unreachable}), where the variants should "
            "go. Look whether the service is up and listens on that port; targets.toml says which port is "
            "meant, and when the service is ready."
        )

    def arm(self, timeout: float, *, cancelled: Cancelled = never) -> None:
        """Wait until every connection is open and every thread stands at the barrier.

        Raises:
            TriggerUnreachable: not one connection could be opened.
            TriggerError: a limit of the system was met, it took longer than `timeout` seconds, or
                `cancelled()` became true.
        """
        if not wait_for(self._ready, timeout, cancelled):
            if cancelled():
                raise TriggerError("The release of the variants was cancelled.")
            raise TriggerError(
                f"{len(self._variants):,} connections were not open after {timeout:g} s. "
                "Release fewer variants at once, or look whether the machine is overloaded."
            )
        if self._refused:
            raise TriggerError(f"The variants were not released: {self._refused}. Release fewer at once.")
        if self.unreached is not None:
            raise TriggerUnreachable(self.unreached)

    def release(self) -> None:
        """Open the barrier."""
        self._tell("go\n")

    def wait(self, timeout: float) -> bool:
        """Wait for the last answer; False after `timeout` seconds."""
        return self._done.wait(timeout)

    def close(self) -> None:
        """End the release, answered or not. Idempotent; blocks for a moment at the longest."""
        self._closing = True
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._reader.ident is not None:
            self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # the plan or the word was still on its way to a process that is gone
                    continue

    def _tell(self, text: str) -> None:
        assert self._process.stdin is not None  # asked for with PIPE
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            self._refused = self._refused or _ENDED_EARLY

    def _read(self, plan: str) -> None:
        assert self._process.stdout is not None  # asked for with PIPE
        # The plan of a thousand variants is larger than a pipe: written here, it holds up nobody.
        self._tell(plan + "\n")
        for line in self._process.stdout:
            try:
                report = json.loads(line)
            except ValueError:
                break  # the last words of a process that was killed in the middle of them
            self._take(report)
            self._on_change()
        if not self._ready.is_set():
            self._refused = self._refused or _ENDED_EARLY
            self._ready.set()
        elif not self._closing:
            self._lose_open_variants()
        self._done.set()

    def _lose_open_variants(self) -> None:
        for name, variant in self._variants.items():
            if variant.state in ("planned", "sent"):
                self._variants[name] = replace(variant, state="failed", error=_ENDED_EARLY)
        self._on_change()

    def _take(self, report: Mapping[str, Any]) -> None:
        match report["event"]:
            case "ready":
                self._ready.set()
            case "unreachable":
                self._unreachable = report["error"]
            case "refused":
                self._refused = report["error"]
            case "done":
                self._skew_ms = report["skew_ms"]
                self._done.set()
            case _:
                self._variants[report["id"]] = self._told(self._variants[report["id"]], report)

    def _told(self, variant: Variant, report: Mapping[str, Any]) -> Variant:
        match report["event"]:
            case "sent":
                return replace(variant, state="sent", sent=report["time"])
            case "failed":
                return replace(variant, state="failed", error=report["error"])
            case _:
                return self._read_answer(variant, report["status"], report["time"], report["body"])


def _refused_by_system(why: str) -> str:
    return (
        f"The variants were not released: the system gave no process for it ({why}). "
        "Look at the memory, the open files and the processes that this machine allows, and try again."
    )
