"""Has a worker of ours load its model before a trial begins, by requests of its own."""

from __future__ import annotations

import time
from typing import Final

from dashboard.targets.base import TargetError
from dashboard.targets.worker_http import WorkerHttp
from dashboard.waiting import Cancelled

__all__ = ["warmed"]

_REQUEST: Final = {"job_id": "warm-up", "variant_id": "warm-up", "prompt": "What is this?"}
_ASK_S: Final = 5.0
_MOST: Final = 4
"""Requests: one loads the model; a worker with two models hands them out in turn and loads each."""


def warmed(worker: WorkerHttp, timeout: float, cancelled: Cancelled) -> tuple[str, int]:
    """Return the worker's boot and the number of its newest event, once its model is loaded.

    Raises:
        TargetError: it did not load, not in time, or nobody wants it any more.
    """
    deadline = time.monotonic() + timeout
    status: int | None = None
    for _ in range(_MOST):
        left = deadline - time.monotonic()
        if left <= 0 or cancelled():
            break
        status = worker.post("/variants", _REQUEST, left, cancelled)
        report = worker.ask("/loader", _ASK_S, cancelled) or {}
        if status == 200 and report.get("state") == "ready":
            return report["boot"], report["seq"]
    if cancelled():
        raise TargetError("The warming up of the worker was cancelled.")
    raise TargetError(
        f"The worker did not load its model within {timeout:g} s before the trial "
        f"({'no answer' if status is None else f'HTTP {status}'}). Look at its log, or raise the timeout."
    )
