"""A `completed` event tells the memory of the load's end, where that costs little beside the load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loader import memory
from loader.events import LoadEvent
from loader.memory import pss_mb, pss_mb_of_load
from loader.once import OnceLoader

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="PSS is Linux's")

BIG = 200 * 1024 * 1024
GIGABYTE = 250_000  # pages


def megabytes(fields: dict[str, str]) -> float:
    return float(fields["pss_mb"])


def test_where_nobody_tells_there_is_no_field(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, encoding: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", refuse)
    assert pss_mb() == {}
    assert pss_mb_of_load(100.0) == {}


@pytest.mark.parametrize(
    ("pages", "seconds", "told"),
    [
        (GIGABYTE // 3, 0.0, True),  # little: always
        (2 * GIGABYTE, 0.3, False),  # a mapped checkpoint, loaded in no time
        (2 * GIGABYTE, 3.0, True),
        (15 * GIGABYTE, 3.0, False),
        (15 * GIGABYTE, 30.0, True),  # LLaVA 1.5 7B from a disk
    ],
)
def test_a_reading_costs_a_hundredth_of_the_load_at_most(
    pages: int, seconds: float, *, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_resident_pages", lambda: pages)
    assert bool(pss_mb_of_load(seconds)) is told


def test_the_event_tells_the_memory_that_the_load_took(
    make_loader: Callable[..., OnceLoader[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_ALWAYS_S", 60.0)  # other tests may have filled this process
    events: list[LoadEvent] = []
    before = megabytes(pss_mb())
    make_loader(lambda: bytearray(b"x") * BIG, on_event=events.append).get()
    completed = next(event for event in events if event.kind == "completed")
    assert float(completed.fields["pss_mb"]) > before + BIG / 1024 / 1024 * 0.9
