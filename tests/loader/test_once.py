"""OnceLoader: one load, one object, one error for each attempt."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest

from loader.errors import LoadFailed, LoadTimeout, MetaTensorError, RecursiveLoad
from loader.journal import Journal, on_behalf_of
from loader.once import OnceLoader
from tests.loader.crowd import DEADLINE_S, Crowd, SlowLoad

Make = Callable[..., OnceLoader[Any]]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def boom() -> None:
    raise OSError("no such shard")


def kinds(journal: Journal) -> list[str]:
    return [event.kind for event in journal.since(0)]


def wait_for_waiters(loader: OnceLoader[Any], count: int) -> None:
    changed = threading.Event()
    for _ in range(3000):
        if loader.counts.get("waiting", 0) >= count:
            return
        changed.wait(0.01)
    raise AssertionError(f"only {loader.counts.get('waiting', 0)} of {count} wait")


def test_fifty_threads_cause_one_load(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)
    crowd = Crowd(50, loader.get)
    wait_for_waiters(loader, 49)
    load.go_on.set()
    crowd.join()
    assert load.calls == 1


def test_every_thread_gets_the_same_object(make_loader: Make) -> None:
    loader = make_loader(object)
    assert len({id(value) for value in Crowd(50, loader.get).join()}) == 1


def test_a_load_that_returns_none_is_not_repeated(make_loader: Make) -> None:
    calls: list[int] = []
    loader = make_loader(lambda: calls.append(1))
    loader.get()
    loader.get()
    assert len(calls) == 1


def test_the_ready_path_records_no_event(make_loader: Make, journal: Journal) -> None:
    loader = make_loader(object)
    loader.get()
    before = journal.seq
    loader.get()
    assert journal.seq == before


def test_the_ready_path_takes_no_lock(make_loader: Make) -> None:
    loader = make_loader(object)
    value = loader.get()
    with loader._lock:
        assert loader.get() is value


def test_acquire_tells_which_load_made_the_value(make_loader: Make, journal: Journal) -> None:
    loaded = make_loader(lambda: "model").acquire()
    assert (loaded.value, loaded.load_id, loaded.generation, loaded.boot) == ("model", 1, 1, journal.boot)


def test_every_caller_tells_that_it_asked_and_all_but_one_that_they_wait(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)
    crowd = Crowd(5, loader.get)
    wait_for_waiters(loader, 4)
    load.go_on.set()
    crowd.join()
    assert loader.counts == {"requested": 5, "waiting": 4, "started": 1, "completed": 1}


def test_requests_of_waiters_stand_before_the_completion_in_the_journal(
    make_loader: Make, journal: Journal
) -> None:
    load = SlowLoad()
    loader = make_loader(load)
    crowd = Crowd(3, loader.get)
    wait_for_waiters(loader, 2)
    load.go_on.set()
    crowd.join()
    assert kinds(journal)[:-1].count("requested") == 3
    assert kinds(journal)[-1] == "completed"


def test_the_events_of_a_load_name_the_caller_that_began_it(make_loader: Make, journal: Journal) -> None:
    with on_behalf_of("variant-7"):
        make_loader(object).get()
    assert {event.thread for event in journal.since(0)} == {"variant-7"}


def test_the_load_sees_the_context_of_the_caller_that_began_it(make_loader: Make) -> None:
    word: contextvars.ContextVar[str] = contextvars.ContextVar("word")
    word.set("hello")
    assert make_loader(word.get).get() == "hello"


def test_the_value_is_not_published_before_it_is_verified(make_loader: Make) -> None:
    seen: list[object] = []

    def load() -> object:
        seen.append(loader.peek())
        return object()

    loader = make_loader(load)
    loader.get()
    assert seen == [None]


def test_a_timeout_names_the_loading_thread(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load, "big")
    with pytest.raises(LoadTimeout, match=r"big was not ready in time: thread load-1 has been"):
        loader.get(timeout=0.01)
    load.go_on.set()
    loader.get()


def test_a_load_goes_on_when_its_first_caller_gives_up(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)
    with pytest.raises(LoadTimeout):
        loader.get(timeout=0)
    load.go_on.set()
    loader.get(timeout=DEADLINE_S)
    assert load.calls == 1


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
    import weakref

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


def test_a_load_that_asks_for_itself_is_refused(make_loader: Make) -> None:
    loader = make_loader(lambda: loader.get())
    with pytest.raises(RecursiveLoad, match="asked for tiny itself"):
        loader.get(timeout=DEADLINE_S)


def test_a_failing_listener_fails_no_load(make_loader: Make) -> None:
    def listen(_: object) -> None:
        raise ValueError("the listener is broken")

    assert make_loader(lambda: "model", on_event=listen).get() == "model"


def test_a_listener_is_told_every_event(make_loader: Make) -> None:
    told: list[str] = []
    make_loader(object, on_event=lambda event: told.append(event.kind)).get()
    assert told == ["requested", "started", "completed"]


def test_the_state_follows_the_load(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)
    states = [loader.state]
    crowd = Crowd(1, loader.get)
    load.begun.wait(DEADLINE_S)
    states.append(loader.state)
    load.go_on.set()
    crowd.join()
    assert [*states, loader.state] == ["idle", "loading", "ready"]


def test_unloading_makes_a_new_generation(make_loader: Make) -> None:
    loader = make_loader(object)
    first = loader.acquire()
    loader.unload()
    second = loader.acquire()
    assert (first.generation, second.generation) == (1, 2)
    assert first.value is not second.value


def test_unloading_is_told_as_released(make_loader: Make, journal: Journal) -> None:
    loader = make_loader(object)
    loader.get()
    loader.unload()
    assert journal.since(0)[-1].kind == "released"


def test_unloading_nothing_releases_nothing(make_loader: Make, journal: Journal) -> None:
    assert make_loader(object).unload() is False
    assert journal.since(0) == []


def test_unloading_waits_for_a_load_under_way(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)
    waiting = Crowd(1, loader.get)
    load.begun.wait(DEADLINE_S)
    with pytest.raises(LoadTimeout):
        loader.unload(timeout=0.01)
    load.go_on.set()
    assert loader.unload(timeout=DEADLINE_S) is True
    assert len(waiting.join()) == 1


def test_a_load_cannot_unload_itself(make_loader: Make) -> None:
    loader = make_loader(lambda: loader.unload())
    with pytest.raises(RecursiveLoad):
        loader.get(timeout=DEADLINE_S)


def test_resetting_forgets_the_cool_down(make_loader: Make) -> None:
    answers = iter([boom, lambda: "model"])
    loader = make_loader(lambda: next(answers)(), cool_down=1000)
    with pytest.raises(OSError, match="no such shard"):
        loader.get()
    loader.reset()
    assert loader.get() == "model"


def test_threads_that_load_and_unload_at_once_never_load_twice_in_one_generation(
    make_loader: Make, journal: Journal
) -> None:
    loader = make_loader(object)

    def work() -> None:
        for _ in range(50):
            loader.get()
            loader.unload()

    assert Crowd(8, work).join() == [None] * 8
    open_generation = 0
    for event in journal.since(0):
        open_generation += {"started": 1, "released": -1}.get(event.kind, 0)
        assert open_generation in (0, 1)
