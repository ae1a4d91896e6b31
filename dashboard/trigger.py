"""The concurrent triggers of a trial: plans the variants, lets them go together, and collects the answers."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeVar

from dashboard.evidence import Variant
from dashboard.home import PROJECT_ROOT
from dashboard.targets.base import Cancelled, never, wait_for

__all__ = ["Trigger", "TriggerError", "plan_variants"]

_T = TypeVar("_T")

_PROMPT: Final = "<image> What is in the picture?"
_ENDED_EARLY: Final = "the releasing process ended early"
_COLOURS: Final = ("crimson", "orange", "gold", "seagreen", "teal", "royalblue", "indigo", "grey")


class TriggerError(Exception):
    """The variants could not be released. The message is one sentence with the next step."""


def plan_variants(jobs: int, variants_per_job: int) -> tuple[Variant, ...]:
    """Return the variants of a trial, named `job-1.variant-1` and so on."""
    return tuple(
        Variant(job_id=f"job-{job}", variant_id=f"job-{job}.variant-{number}")
        for job in range(1, jobs + 1)
        for number in range(1, variants_per_job + 1)
    )


class Trigger:
    """One release of `variants` at a worker's `POST /variants`.

    `arm()` opens the connections, `release()` lets all requests go, `wait()` waits for the answers; `close()`
    ends it at any time. Threading: `variants` and `skew_ms` may be read from any thread; the rest is for the
    trial's own thread.
    """

    def __init__(
        self,
        variants: tuple[Variant, ...],
        *,
        host: str,
        port: int,
        timeout_s: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._variants: dict[str, Variant] = {variant.variant_id: variant for variant in variants}
        self._on_change = on_change
        self._ready, self._done = threading.Event(), threading.Event()
        self._refused: str | None = None
        self._closing = False
        self.skew_ms: float | None = None
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
            "method": "POST",
            "path": "/variants",
            "timeout_s": timeout_s,
            "bodies": {variant.variant_id: _body(index, variant) for index, variant in enumerate(variants)},
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

    def arm(self, timeout: float, *, cancelled: Cancelled = never) -> None:
        """Wait until every connection is open and every thread stands at the barrier.

        Raises:
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
            case "refused":
                self._refused = report["error"]
            case "done":
                self.skew_ms = report["skew_ms"]
                self._done.set()
            case event:
                before = self._variants[report["id"]]
                self._variants[report["id"]] = _told(before, event, report)


def _refused_by_system(why: str) -> str:
    return (
        f"The variants were not released: the system gave no process for it ({why}). "
        "Look at the memory, the open files and the processes that this machine allows, and try again."
    )


def _told(variant: Variant, event: str, report: Mapping[str, Any]) -> Variant:
    if event == "sent":
        return replace(variant, state="sent", sent=report["time"])
    if event == "failed":
        return replace(variant, state="failed", error=report["error"])
    status, answer = report["status"], _json(report["body"])
    if status != 200:
        return replace(
            variant, state="failed", status=status, answered=report["time"], error=_refusal(status, answer)
        )
    worker = _a(dict, answer.get("worker")) or {}
    return replace(
        variant,
        state="answered",
        status=status,
        answered=report["time"],
        boot=_a(str, worker.get("boot")),
        pid=_a(int, worker.get("pid")),
        host=_a(str, worker.get("host")),
        load_id=_a(int, answer.get("load_id")),
        model_id=_a(str, answer.get("model_id")),
        waited_ms=_milliseconds(answer.get("waited_ms")),
        load_ms=_milliseconds(answer.get("load_ms")),
        infer_ms=_milliseconds(answer.get("infer_ms")),
        answer=_a(str, answer.get("text")),
    )


def _a(kind: type[_T], value: object) -> _T | None:
    """Return `value` if it is what the contract says; whatever else a service answers is no identity."""
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _milliseconds(value: object) -> float | None:
    number = _a(int, value) if isinstance(value, int) else _a(float, value)
    return None if number is None else float(number)


def _json(body: str) -> dict[str, Any]:
    try:
        # A lone surrogate, which JSON can escape and UTF-8 cannot write, would make the record unwritable.
        document = json.loads(json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refusal(status: int, answer: Mapping[str, Any]) -> str:
    detail = answer.get("detail")
    if isinstance(detail, Mapping):
        detail = ": ".join(str(part) for part in (detail.get("error"), detail.get("message")) if part)
    return f"HTTP {status}" + (f": {detail}" if detail else "")


def _body(index: int, variant: Variant) -> dict[str, str]:
    return {
        "job_id": variant.job_id,
        "variant_id": variant.variant_id,
        "prompt": _PROMPT,
        "image": _image(_COLOURS[index % len(_COLOURS)]),
    }


@cache
def _image(colour: str) -> str:
    from PIL import Image  # late: only a trial needs it

    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
