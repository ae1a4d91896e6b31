"""OnceLoader: one load, one object, one generation at a time."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from loader.errors import LoadTimeout, RecursiveLoad
from loader.journal import Journal, on_behalf_of
from loader.once import OnceLoader
from tests.loader.crowd import DEADLINE_S, Crowd, SlowLoad, wait_for_waiters

Make = Callable[..., OnceLoader[Any]]


def kinds(journal: Journal) -> list[str]:
    return [event.kind for event in journal.since(0)]


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
