"""OnceLoader from event loops: never blocked, never cancelled, several at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from loader.errors import LoadTimeout, RecursiveLoad
from loader.once import OnceLoader
from tests.loader.crowd import DEADLINE_S, Crowd, SlowLoad, turns_until

Make = Callable[..., OnceLoader[Any]]


def test_the_event_loop_goes_on_while_a_load_runs(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)

    async def run() -> object:
        asking = asyncio.create_task(loader.aget())
        await turns_until(load.begun.is_set)
        load.go_on.set()  # only a loop that is not blocked gets here
        return await asking

    assert asyncio.run(run()) is loader.peek()


def test_a_hundred_tasks_cause_one_load(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)

    async def run() -> set[int]:
        tasks = [asyncio.create_task(loader.aget()) for _ in range(100)]
        await turns_until(lambda: loader.counts.get("waiting", 0) >= 99)
        load.go_on.set()
        return {id(value) for value in await asyncio.gather(*tasks)}

    assert len(asyncio.run(run())) == 1
    assert load.calls == 1


def test_several_loops_share_one_load(make_loader: Make) -> None:
    loader = make_loader(object)
    values = Crowd(6, lambda: asyncio.run(loader.aget())).join()
    assert len({id(value) for value in values}) == 1


def test_a_cancelled_task_leaves_the_load_to_the_others(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)

    async def run() -> object:
        first, second = asyncio.create_task(loader.aget()), asyncio.create_task(loader.aget())
        await turns_until(lambda: loader.counts.get("waiting", 0) >= 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        load.go_on.set()
        return await second

    assert asyncio.run(run()) is loader.peek()


def test_a_loop_may_end_before_the_load_does(make_loader: Make) -> None:
    load = SlowLoad()
    loader = make_loader(load)

    async def give_up() -> None:
        with pytest.raises(LoadTimeout, match="load-1"):
            await loader.aget(timeout=0.01)

    asyncio.run(give_up())
    load.go_on.set()
    assert loader.get(timeout=DEADLINE_S) is not None


def test_a_failed_load_that_nobody_waits_for_complains_to_no_loop(make_loader: Make) -> None:
    def boom() -> None:
        raise OSError("no such shard")

    load = SlowLoad(boom)
    loader = make_loader(load)
    complaints: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        with pytest.raises(LoadTimeout):
            await loader.aget(timeout=0.01)
        load.go_on.set()
        await turns_until(lambda: loader.state != "loading")

    asyncio.run(run())
    assert complaints == []


def test_a_load_may_await_another_loader(make_loader: Make) -> None:
    tower = make_loader(lambda: "tower", "tower")
    llava = make_loader(lambda: asyncio.run(tower.aget()) + " in llava", "llava")
    assert llava.get(timeout=DEADLINE_S) == "tower in llava"


def test_a_load_that_awaits_itself_is_refused(make_loader: Make) -> None:
    loader = make_loader(lambda: asyncio.run(loader.aget()))
    with pytest.raises(RecursiveLoad):
        loader.get(timeout=DEADLINE_S)


def test_the_ready_path_needs_no_other_thread(make_loader: Make) -> None:
    loader = make_loader(object)
    value = loader.get()
    threads = threading.active_count()

    async def run() -> object:
        return await loader.aget()

    assert asyncio.run(run()) is value
    assert threading.active_count() == threads
