"""The explorer itself: it must miss no schedule, or what it proves is nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import factorial, prod

import pytest

from tests.loader.schedules import Exploration, Program, explore, sample
from tests.loader.stand_ins import Condition, Lock, watched


class Cell:
    value = 0


Seen = watched(Cell, "value")


def in_turn(*times: int) -> tuple[Program, set[str]]:
    """Threads that write their letter under one lock, so many times each; and the orders that were seen."""
    orders: set[str] = set()

    def make() -> tuple[list[Callable[[], object]], Callable[[], object]]:
        lock, written = Lock(), []

        def body(letter: str, count: int) -> Callable[[], None]:
            def write() -> None:
                for _ in range(count):
                    with lock:
                        written.append(letter)

            return write

        bodies = [body("ABC"[index], count) for index, count in enumerate(times)]
        return bodies, lambda: orders.add("".join(written))

    return make, orders


@pytest.mark.parametrize("times", [(1, 1), (2, 2), (3, 3), (1, 1, 1), (2, 2, 1), (3, 2, 2)])
def test_every_order_of_critical_sections_is_run(times: tuple[int, ...]) -> None:
    program, orders = in_turn(*times)
    assert explore(program).complete
    assert len(orders) == factorial(sum(times)) // prod(map(factorial, times))


@pytest.mark.parametrize("times", [(1, 1), (2, 2), (3, 3), (1, 1, 1), (2, 2, 1)])
def test_no_order_of_critical_sections_is_run_twice(times: tuple[int, ...]) -> None:
    program, orders = in_turn(*times)
    assert explore(program).schedules == len(orders)


def scramble(seed: int) -> tuple[Program, set[object]]:
    """A small program of reads, writes, locks and waits, drawn by chance; and the outcomes that were seen."""
    draw = random.Random(seed)
    plan = [
        [(draw.choice(["read", "write", "locked", "locked", "poll"]), draw.randrange(2)) for _ in range(2)]
        for _ in range(draw.choice([2, 3]))
    ]
    outcomes: set[object] = set()

    def make() -> tuple[list[Callable[[], object]], Callable[[], object]]:
        cells, locks, changed = [Seen(), Seen()], [Lock(), Lock()], Condition()
        seen: list[list[object]] = [[] for _ in plan]

        def body(number: int) -> Callable[[], None]:
            def run() -> None:
                for kind, which in plan[number]:
                    if kind == "read":
                        seen[number].append(cells[which].value)
                    elif kind == "write":
                        cells[which].value = number + 1
                    elif kind == "locked":
                        with locks[which]:
                            cells[1 - which].value += 10
                    else:
                        with changed:
                            seen[number].append(changed.wait(1) if which else changed.notify_all())

            return run

        def last() -> None:
            outcomes.add((str(seen), *(cell.value for cell in cells)))

        return [body(number) for number in range(len(plan))], last

    return make, outcomes


@pytest.mark.parametrize("seed", range(60))
def test_chance_finds_no_outcome_that_the_exploration_missed(seed: int) -> None:
    program, outcomes = scramble(seed)
    assert explore(program).complete
    found = set(outcomes)
    sample(program, 100, random.Random(seed))
    assert outcomes == found


def lost_update(*, locked: bool) -> Exploration:
    def make() -> tuple[list[Callable[[], object]], Callable[[], object]]:
        cell, lock = Seen(), Lock()

        def add() -> None:
            if locked:
                with lock:
                    cell.value += 1
            else:
                cell.value += 1

        def check() -> None:
            assert cell.value == 2, f"an update was lost: {cell.value}"

        return [add, add], check

    return explore(make)


def test_a_lost_update_is_found() -> None:
    assert "an update was lost: 1" in str(lost_update(locked=False).failure)


def test_no_update_is_lost_under_a_lock() -> None:
    assert lost_update(locked=True).complete


def test_a_failure_tells_the_schedule_that_led_to_it() -> None:
    assert "4 read 1.value; 4 write 1.value; 3 write 1.value" in str(lost_update(locked=False).failure)


def test_a_deadlock_is_found() -> None:
    def make() -> tuple[list[Callable[[], object]], Callable[[], object]]:
        left, right = Lock(), Lock()

        def take(first: Lock, second: Lock) -> None:
            with first, second:
                pass

        return [lambda: take(left, right), lambda: take(right, left)], lambda: None

    assert "deadlock" in str(explore(make).failure)


def test_a_thread_that_runs_in_circles_is_found() -> None:
    def make() -> tuple[list[Callable[[], object]], Callable[[], object]]:
        cell = Seen()

        def turn() -> None:
            while cell.value == 0:
                pass

        return [turn], lambda: None

    assert "livelock" in str(explore(make).failure)


def test_a_wait_with_a_timeout_ends_in_both_ways() -> None:
    ends: set[bool] = set()

    def make() -> tuple[list[Callable[[], object]], Callable[[], object]]:
        changed = Condition()

        def wait() -> None:
            with changed:
                ends.add(changed.wait(60))

        def tell() -> None:
            with changed:
                changed.notify_all()

        return [wait, tell], lambda: None

    assert explore(make).complete
    assert ends == {True, False}


def test_an_exploration_that_reaches_its_limit_is_not_complete() -> None:
    program, _ = in_turn(3, 3)
    assert explore(program, limit=5).complete is False
