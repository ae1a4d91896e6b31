"""OnceLoader: one error for each attempt, a cool-down that grows, and nobody left waiting."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from loader.errors import LoadFailed, MetaTensorError
from loader.journal import Journal
from loader.once import OnceLoader
from tests.loader.crowd import DEADLINE_S, Crowd, SlowLoad, wait_for_waiters

Make = Callable[..., OnceLoader[Any]]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def boom() -> None:
    raise OSError("no such shard")


def test_all_waiters_of_an_attempt_get_its_error(make_loader: Make) -> None:
    load = SlowLoad(boom)
    loader = make_loader(load)
    crowd = Crowd(16, loader.get)
    wait_for_waiters(loader, 15)
    load.go_on.set()
    assert {str(error) for error in crowd.join()} == {"no such shard"}
    assert load.calls == 1


def test_the_error_says_when_another_attempt_may_begin(make_loader: Make) -> None:
    with pytest.raises(OSError, match="no such shard") as caught:
        make_loader(boom, cool_down=2).get()
    assert caught.value.__notes__ == ["Load 1 of tiny failed; another may begin after 2 s."]


def test_the_traceback_of_a_shared_error_does_not_grow_with_its_waiters(make_loader: Make) -> None:
    loader = make_loader(boom)

    def depth() -> int:
        with pytest.raises(OSError, match="no such shard") as caught:
            loader.get()
        return len(list(caught.traceback))

    assert depth() == depth() == depth()


def test_a_failed_load_lets_go_of_what_it_had_read(make_loader: Make) -> None:
    class Shard:
        pass

    kept: list[weakref.ref[Shard]] = []

    def load() -> None:
        shard = Shard()
        kept.append(weakref.ref(shard))
        raise OSError("the next shard is missing")

    loader = make_loader(load)
    with pytest.raises(OSError, match="missing"):
        loader.get()
    assert kept[0]() is None


def test_no_attempt_begins_before_the_cool_down_is_over(make_loader: Make) -> None:
    clock, load = Clock(), SlowLoad(boom)
    load.go_on.set()
    loader = make_loader(load, clock=clock, cool_down=1)
    for _ in range(3):
        with pytest.raises(OSError, match="no such shard"):
            loader.get()
    assert load.calls == 1


def test_the_cool_down_doubles_up_to_its_ceiling(make_loader: Make) -> None:
    clock = Clock()
    loader = make_loader(boom, clock=clock, cool_down=1, longest_cool_down=4)
    pauses = []
    for _ in range(5):
        with pytest.raises(OSError, match="no such shard"):
            loader.get()
        pauses.append(loader._retry_at - clock.now)
        clock.now = loader._retry_at
    assert pauses == [1, 2, 4, 4, 4]


def test_a_later_attempt_can_succeed(make_loader: Make) -> None:
    clock, answers = Clock(), iter([boom, lambda: "model"])
    loader = make_loader(lambda: next(answers)(), clock=clock)
    with pytest.raises(OSError, match="no such shard"):
        loader.get()
    clock.now += 2
    assert loader.get() == "model"
    assert loader.error is None


def test_each_attempt_has_a_number_of_its_own(make_loader: Make, journal: Journal) -> None:
    clock = Clock()
    loader = make_loader(boom, clock=clock)
    for _ in range(2):
        with pytest.raises(OSError, match="no such shard"):
            loader.get()
        clock.now += 100
    assert [event.load for event in journal.since(0) if event.kind == "started"] == [1, 2]


def test_a_failure_is_told_with_its_name_and_words(make_loader: Make, journal: Journal) -> None:
    with pytest.raises(OSError, match="no such shard"):
        make_loader(boom).get()
    event = journal.since(0)[-1]
    assert (event.kind, event.level, event.fields["error"], event.fields["message"]) == (
        "failed",
        "ERROR",
        "OSError",
        "no such shard",
    )


def test_the_words_of_torch_about_missing_data_become_a_meta_tensor_error(
    make_loader: Make, journal: Journal
) -> None:
    def load() -> None:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")

    with pytest.raises(MetaTensorError, match="restart the process"):
        make_loader(load).get()
    assert [event.kind for event in journal.since(0) if event.level == "ERROR"] == ["meta_tensor_error"]


def test_a_load_that_leaves_by_sys_exit_ends_no_waiter(make_loader: Make) -> None:
    def load() -> None:
        raise SystemExit(3)

    with pytest.raises(LoadFailed, match=r"ended with SystemExit\(3\)"):
        make_loader(load).get()


def test_a_timeout_error_of_the_load_itself_is_its_error(make_loader: Make) -> None:
    def load() -> None:
        raise TimeoutError("the hub did not answer")

    with pytest.raises(TimeoutError, match="the hub did not answer"):
        make_loader(load).get(timeout=DEADLINE_S)


def test_waiters_are_not_left_behind_when_no_thread_can_be_started(
    make_loader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    loader = make_loader(object)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        loader.get()
    assert loader.state == "failed"


def test_resetting_forgets_the_cool_down(make_loader: Make) -> None:
    answers = iter([boom, lambda: "model"])
    loader = make_loader(lambda: next(answers)(), cool_down=1000)
    with pytest.raises(OSError, match="no such shard"):
        loader.get()
    loader.reset()
    assert loader.get() == "model"
