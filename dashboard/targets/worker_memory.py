"""What our worker tells of memory in its `/loader` report: its own, and the size of its model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dashboard.memory import MemorySample, Place, Yardstick
from dashboard.targets.worker_http import WorkerHttp
from dashboard.waiting import Cancelled, never

__all__ = ["sampled", "told_yardstick"]

_HAS_GPU: Final = Path("/proc/driver/nvidia").exists()
_PLACES: Final[Mapping[str, Place]] = {"cpu": "cpu", "cuda": "gpu"}
_NO_EVENTS: Final = 2**31  # no journal counts so far: the events are asked for elsewhere
_TOLD_S: Final = 2.0


def sampled(pss: int | None, worker: WorkerHttp, cancelled: Cancelled = never) -> MemorySample | None:
    """Return what a worker of ours holds now; None where neither the kernel nor it says.

    It is asked only for what the kernel of this machine has not told: its PSS, and what lies on GPUs. Blocks
    for two seconds at most.
    """
    if pss is not None and not _HAS_GPU:
        return MemorySample(time.time(), pss)
    whole = "&memory=1" if pss is None else ""
    report = worker.ask(f"/loader?seq={_NO_EVENTS}{whole}", _TOLD_S, cancelled) or {}
    told, gpu = report.get("pss_mb"), report.get("gpu_bytes")
    on_gpu = gpu if isinstance(gpu, int) else None
    if pss is not None:
        return MemorySample(time.time(), pss, on_gpu)
    if isinstance(told, int | float):
        return MemorySample(time.time(), int(told * 1024 * 1024), on_gpu, "worker")
    return None if on_gpu is None else MemorySample(time.time(), None, on_gpu, "worker")


def told_yardstick(report: Mapping[str, Any] | None) -> Yardstick:
    """Return the size of the worker's model, and what it held before; empty where it has, or tells, none."""
    report = report or {}
    sizes, ground = report.get("model_bytes"), report.get("ground_mb")
    model: dict[Place, int] = {
        _PLACES[device]: size
        for device, size in (sizes.items() if isinstance(sizes, Mapping) else ())
        if device in _PLACES and isinstance(size, int) and size > 0
    }
    return Yardstick(model, int(ground * 1024 * 1024) if isinstance(ground, int | float) else None)
