"""The samples of a trial's memory: taken by a thread, bounded, and never in anybody's way."""

from __future__ import annotations

import threading
from itertools import count

import pytest

from dashboard import memory_watch
from dashboard.memory import MemorySample
from dashboard.memory_watch import MemoryWatch


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_watch, "_EVERY_S", 0.0)


def test_samples_are_taken_until_it_is_closed(quick: None) -> None:
    enough = threading.Event()
    numbers = count()

    def read() -> MemorySample:
        number = next(numbers)
        if number == 20:
            enough.set()
        return MemorySample(float(number), pss=number)

    watch = MemoryWatch(read)
    watch.begin()
    assert watch.wait_begun(60)
    assert enough.wait(60)
    watch.close()
    taken = watch.samples()
    watch.close()
    assert watch.samples() == taken
    assert taken[0].pss == 0
    assert (taken[-1].pss or 0) >= 20


def test_a_long_trial_is_told_more_coarsely_and_from_its_beginning() -> None:
    numbers = count()
    watch = MemoryWatch(lambda: MemorySample(float(next(numbers)), pss=1))
    for _ in range(10_000):
        watch.take()
    taken = watch.samples()
    assert len(taken) <= 240
    assert (taken[0].time, taken[-1].time) == (0.0, 9999.0)


def test_what_nobody_can_read_leaves_no_sample() -> None:
    watch = MemoryWatch(lambda: None)
    assert not watch.take()
    assert watch.samples() == ()


def test_without_a_thread_the_trial_goes_on_with_the_samples_that_it_takes_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    watch = MemoryWatch(lambda: MemorySample(1.0, pss=1))
    monkeypatch.setattr(watch._thread, "start", refuse)
    watch.begin()
    assert watch.wait_begun(0)
    assert watch.take()
    watch.close()
    assert len(watch.samples()) == 2
