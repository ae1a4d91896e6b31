"""The wrong ways to load, with loads that a test holds up: each is wrong in its own way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from loader.controls import NoSecondCheck, PerModel, Unguarded, source_for
from loader.journal import Journal
from loader.once import OnceLoader
from tests.loader.crowd import DEADLINE_S, Crowd, wait_for_waiters


def meeting(count: int) -> Callable[[], object]:
    """A load that ends only when `count` of its kind run at the same moment."""
    met = threading.Barrier(count)

    def load() -> object:
        met.wait(DEADLINE_S)
        return object()

    return load


def made(kind: type[Any], load: Callable[[], Any], journal: Journal) -> Any:
    return kind(load, name="m", began="Loading LLaVa model", journal=journal)


def test_without_a_guard_every_thread_that_looks_early_loads(journal: Journal) -> None:
    source = made(Unguarded, meeting(3), journal)
    loads = {loaded.load_id for loaded in Crowd(3, source.acquire).join()}
    assert loads == {1, 2, 3}


def test_without_a_guard_a_later_caller_gets_what_is_there(journal: Journal) -> None:
    source = made(Unguarded, object, journal)
    assert source.acquire() is source.acquire()


def test_without_a_second_check_the_loads_come_one_after_the_other(journal: Journal) -> None:
    began, go_on = threading.Event(), threading.Event()

    def load() -> object:
        began.set()
        go_on.wait(DEADLINE_S)
        return object()

    source = made(NoSecondCheck, load, journal)
    crowd = Crowd(3, source.acquire)
    began.wait(DEADLINE_S)
    wait_for_waiters(source, 2)
    go_on.set()
    crowd.join()
    kinds = [event.kind for event in journal.since(0) if event.kind in ("started", "completed")]
    assert kinds == ["started", "completed"] * 3


def test_with_a_lock_for_each_model_two_models_load_at_once(journal: Journal) -> None:
    source = made(PerModel, meeting(2), journal)
    models = {loaded.model for loaded in Crowd(4, source.acquire).join()}
    assert models == {"m#1", "m#2"}


def test_with_a_lock_for_each_model_each_is_loaded_once(journal: Journal) -> None:
    source = made(PerModel, meeting(2), journal)
    Crowd(8, source.acquire).join()
    assert (source.counts["started"], source.counts["completed"]) == (2, 2)


def boom() -> None:
    raise NotImplementedError("Cannot copy out of meta tensor; no data!")


@pytest.mark.parametrize("kind", [Unguarded, NoSecondCheck, PerModel])
def test_every_attempt_has_one_ending(kind: type[Any], journal: Journal) -> None:
    source = made(kind, boom, journal)
    Crowd(4, source.acquire).join()
    started = [event.load for event in journal.since(0) if event.kind == "started"]
    ended = [event.load for event in journal.since(0) if event.kind == "meta_tensor_error"]
    assert sorted(started, key=str) == sorted(ended, key=str)
    assert source.state == "failed"


def test_the_guard_is_the_loader_itself() -> None:
    assert isinstance(source_for("on", object, name="m", began="b"), OnceLoader)


@pytest.mark.parametrize("guard", ["off", "no-second-check", "per-model"])
def test_a_wrong_way_is_logged_as_one(guard: Any, caplog: pytest.LogCaptureFixture) -> None:
    source_for(guard, object, name="m", began="b")
    assert f"LOADONCE_GUARD={guard}: this loader is wrong on purpose" in caplog.text
