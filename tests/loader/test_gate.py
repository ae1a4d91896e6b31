"""The gate: one load at a time, and loads that need each other's models."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from loader.errors import LoadTimeout, RecursiveLoad
from loader.gate import Gate
from loader.once import OnceLoader
from tests.loader.crowd import DEADLINE_S, Crowd, SlowLoad

Make = Callable[..., OnceLoader[Any]]


class Overlaps:
    """Counts how many are inside at once, at most."""

    def __init__(self) -> None:
        self.most = 0
        self._inside = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1


def test_loads_of_different_models_never_overlap(make_loader: Make) -> None:
    overlaps = Overlaps()

    def load() -> object:
        with overlaps:
            threading.Event().wait(0.005)
            return object()

    loaders = iter([make_loader(load, f"model-{number}") for number in range(8)])
    Crowd(8, lambda: next(loaders).get()).join()
    assert overlaps.most == 1


def test_loads_without_a_gate_may_overlap(make_loader: Make) -> None:
    met = threading.Barrier(2)
    loaders = iter(
        [make_loader(lambda: met.wait(DEADLINE_S), f"m{number}", gate=None) for number in range(2)]
    )
    assert sorted(Crowd(2, lambda: next(loaders).get()).join()) == [0, 1]


def test_a_load_may_ask_for_another_model(make_loader: Make) -> None:
    tower = make_loader(lambda: "tower", "tower")
    llava = make_loader(lambda: tower.get() + " in llava", "llava")
    assert llava.get(timeout=DEADLINE_S) == "tower in llava"


def test_a_load_may_ask_for_a_model_whose_load_waits_for_the_gate(make_loader: Make) -> None:
    tower = make_loader(lambda: "tower", "tower")
    asked = threading.Event()

    def load() -> str:
        asked.set()
        while tower.state != "loading":  # somebody else's, and it cannot have the gate
            threading.Event().wait(0.001)
        return tower.get() + " in llava"

    llava = make_loader(load, "llava")
    first = Crowd(1, llava.get)
    asked.wait(DEADLINE_S)
    second = Crowd(1, tower.get)
    assert (first.join(), second.join()) == (["tower in llava"], ["tower"])


@pytest.mark.parametrize("order", [("tower", "llava"), ("llava", "tower")])
def test_the_order_in_which_others_ask_does_not_matter(make_loader: Make, order: tuple[str, str]) -> None:
    for _ in range(20):
        tower = make_loader(lambda: "tower", "tower")
        loaders = {"tower": tower, "llava": make_loader(lambda tower=tower: tower.get(), "llava")}
        asked = iter(order * 4)
        assert set(Crowd(8, lambda asked=asked, all_=loaders: all_[next(asked)].get()).join()) == {"tower"}


def test_a_chain_of_three_loads_passes_one_gate(make_loader: Make) -> None:
    first = make_loader(lambda: 1, "first")
    second = make_loader(lambda: first.get() + 1, "second")
    third = make_loader(lambda: second.get() + 1, "third")
    assert third.get(timeout=DEADLINE_S) == 3


def test_two_loads_that_need_each_other_are_refused(make_loader: Make) -> None:
    left = make_loader(lambda: right.get(), "left")
    right = make_loader(lambda: left.get(), "right")
    with pytest.raises(RecursiveLoad, match=r"needs (left|right)"):
        left.get(timeout=DEADLINE_S)


def test_a_cycle_is_found_when_its_ends_are_begun_by_different_threads(make_loader: Make) -> None:
    met = threading.Barrier(2)

    def asking(other: Callable[[], OnceLoader[Any]]) -> Callable[[], Any]:
        def load() -> Any:
            met.wait(DEADLINE_S)
            return other().get()

        return load

    left = make_loader(asking(lambda: right), "left", gate=None)
    right = make_loader(asking(lambda: left), "right", gate=None)
    both = iter([left, right])
    assert any(isinstance(got, RecursiveLoad) for got in Crowd(2, lambda: next(both).get()).join())


def test_a_load_that_gives_up_waiting_does_not_run_beside_the_other(make_loader: Make) -> None:
    overlaps, inner = Overlaps(), SlowLoad()

    def slow() -> Any:
        with overlaps:
            return inner()

    tower = make_loader(slow, "tower")

    def load() -> str:
        threading.Timer(0.05, inner.go_on.set).start()
        try:
            tower.get(timeout=0.001)
        except LoadTimeout:
            with overlaps:
                return "without tower"
        return "with tower"

    assert make_loader(load, "llava").get(timeout=DEADLINE_S) == "without tower"
    assert overlaps.most == 1


def test_the_gate_may_be_entered_again_by_who_holds_it(gate: Gate) -> None:
    with gate.hold("outer"):
        outer = gate.tenant
        with gate.hold("inner"):
            assert gate.tenant is outer


def test_the_gate_is_open_again_after_an_error(gate: Gate) -> None:
    with pytest.raises(OSError, match="boom"), gate.hold():
        raise OSError("boom")
    assert gate.tenant is None


def test_a_caller_that_holds_the_gate_may_ask_for_a_model(make_loader: Make, gate: Gate) -> None:
    loader = make_loader(lambda: "model")
    with gate.hold("my own from_pretrained"):
        assert loader.get(timeout=DEADLINE_S) == "model"
