"""The memory of a `completed` event is read beside the load, and is that of the load's end all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loader import memory
from loader.attempt import report_progress
from loader.events import LoadEvent
from loader.memory import MemoryReading, pss_mb
from loader.once import OnceLoader

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="PSS is Linux's")

BIG = 200 * 1024 * 1024


def megabytes(fields: dict[str, str]) -> float:
    return float(fields["pss_mb"])


def finished(reading: MemoryReading) -> MemoryReading:
    assert reading._thread is not None
    reading._thread.join()
    return reading


def test_a_reading_is_the_memory_at_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = finished(MemoryReading())
    # Nothing has changed since, so that nothing is read again
    monkeypatch.setattr(memory, "pss_mb", lambda: {"pss_mb": "0"})
    assert megabytes(reading.fields()) > 1


def test_what_came_after_a_reading_makes_it_stale() -> None:
    reading = finished(MemoryReading())
    before = megabytes(reading._found)
    block = bytearray(b"x") * BIG
    assert megabytes(reading.fields()) > before + BIG / 1024 / 1024 * 0.9
    assert len(block) == BIG


def test_without_another_thread_it_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert megabytes(MemoryReading().fields()) > 1


def test_where_nobody_tells_there_is_no_field(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, encoding: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", refuse)
    assert pss_mb() == {}
    assert MemoryReading().fields() == {}


def test_a_load_reads_its_memory_when_its_last_weight_is_set(
    make_loader: Callable[..., OnceLoader[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[str] = []
    monkeypatch.setattr(memory, "pss_mb", lambda: readers.append(threading.current_thread().name) or {})

    def load() -> str:
        report_progress(1, 2, "tensors")
        report_progress(2, 2, "tensors")
        return "model"

    make_loader(load).get()
    assert readers == ["memory-reading"]


def test_the_event_tells_what_the_load_took_after_its_weights_too(
    make_loader: Callable[..., OnceLoader[Any]],
) -> None:
    events: list[LoadEvent] = []

    def load() -> bytearray:
        report_progress(1, 1, "tensors")
        return bytearray(b"x") * BIG

    before = megabytes(pss_mb())
    make_loader(load, on_event=events.append).get()
    completed = next(event for event in events if event.kind == "completed")
    assert float(completed.fields["pss_mb"]) > before + BIG / 1024 / 1024 * 0.9
