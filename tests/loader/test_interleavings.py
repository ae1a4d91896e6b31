"""Every schedule of two and three threads, on the real loader; and the same search finds what is broken.

No bound on preemptions: each exploration below is complete, up to the order of operations that do not depend
on each other. `schedules.py` tells how, and `test_schedules.py` that nothing is missed. The tests at the end
take nothing for private and switch between any two bytecodes, by chance.
"""

from __future__ import annotations

import ast
import inspect
import logging
import random
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from loader import attempt, gate, once, shared_attempt
from loader.attempt import Recorder
from loader.gate import Tenant
from loader.journal import Journal
from loader.once import OnceLoader
from tests.loader import broken_loaders as broken
from tests.loader import loader_programs as programs
from tests.loader.schedules import Exploration, explore, sample
from tests.loader.stand_ins import Lock, SharedDict

_LOG = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows how many schedules there were

Bodies = programs.Bodies
Make = Callable[[programs.Kind, int], Bodies]


@pytest.fixture(autouse=True)
def _controlled(monkeypatch: pytest.MonkeyPatch) -> None:
    programs.put_under_control(monkeypatch)


def explored(program: Make, kind: programs.Kind, threads: int) -> Exploration:
    return explore(lambda: program(kind, threads))


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda program: program.__name__)
def test_every_schedule_is_right(
    program: Make, threads: int, record_property: Callable[[str, object], None]
) -> None:
    found = explored(program, OnceLoader, threads)
    record_property("schedules", found.schedules)
    _LOG.info("%s, %d threads: %d schedules, complete", program.__name__, threads, found.schedules)
    assert found.failure is None, found.failure
    assert found.complete
    assert found.schedules > 1


BROKEN = [
    (broken.WithoutLock, programs.gets, 2, "loaded 2 times"),
    (broken.WithALockForEachCall, programs.gets, 2, "loaded 2 times"),
    (broken.WithoutSecondCheck, programs.gets, 2, "loaded 2 times"),
    (broken.PublishesBeforeVerification, programs.gets, 2, "get() gave a model that was not verified"),
    (broken.PublishesBeforeVerification, programs.gets_and_a_look, 2, "peek() showed a model"),
    (broken.WithoutCoolDown, programs.failing_gets, 2, "loaded 2 times"),
    (broken.GivesUpForEverybody, programs.gets_that_may_time_out, 2, "loaded 2 times"),
    (broken.UnloadsDuringALoad, programs.gets_and_an_unload, 3, "two loads in one generation"),
]


@pytest.mark.parametrize(("kind", "program", "threads", "words"), BROKEN)
def test_a_broken_loader_is_caught(kind: programs.Kind, program: Make, threads: int, words: str) -> None:
    assert words in str(explored(program, kind, threads).failure)


@pytest.mark.parametrize(
    ("waiting", "program", "words"),
    [
        (broken.lends_nothing, programs.one_asks_for_the_other, "deadlock"),
        (broken.sees_no_cycle, programs.each_asks_for_the_other, "deadlock"),
        (broken.takes_nothing_back, programs.one_gives_up_on_the_other, "two loads run at once"),
    ],
)
def test_a_broken_gate_is_caught(
    waiting: Any, program: Make, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tenant, "waiting_for", waiting)
    assert words in str(explored(program, OnceLoader, 2).failure)


def test_a_loader_that_does_not_know_who_asks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tenant, "current", lambda: None)
    assert "deadlock" in str(explored(programs.loads_that_ask_for_themselves, OnceLoader, 2).failure)


def test_no_attribute_of_the_loader_changes_out_of_sight() -> None:
    tree = ast.parse(inspect.getsource(OnceLoader))
    methods = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name != "__init__"
    ]
    changed = {
        node.attr
        for method in methods
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del)
        if isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    assert changed - {"_lock"} == set(programs.SHARED)  # the lock is new in a forked child only


def counting(lock: Callable[[], Any], threads: int) -> Exploration:
    def make() -> Bodies:
        recorder = Recorder("model", Journal(stream=lambda: None), None, "")
        recorder._lock, recorder._counts = lock(), SharedDict()

        def check() -> None:
            assert recorder.counts == {"requested": threads}, f"counted {recorder.counts}"

        return [lambda: recorder.tell("requested", "Model requested")] * threads, check

    return explore(make)


@pytest.mark.parametrize("threads", [2, 3])
def test_every_event_is_counted_in_every_schedule(threads: int) -> None:
    found = counting(Lock, threads)
    assert found.failure is None
    assert found.complete


def test_counts_without_a_lock_are_caught() -> None:
    assert "counted {'requested': 1}" in str(counting(nullcontext, 2).failure)


BYTECODES_OF = tuple(str(module.__file__) for module in (once, attempt, shared_attempt, gate))


@pytest.fixture
def _unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of what threads share: they may be switched between any two bytecodes instead."""
    monkeypatch.setattr(programs, "watched", lambda cls, *_: cls)
    monkeypatch.setattr(once, "SharedAttempt", shared_attempt.SharedAttempt)
    monkeypatch.setattr(attempt, "threading", SimpleNamespace(Lock=Lock))


def drawn(program: Make, kind: programs.Kind, threads: int, schedules: int) -> Exploration:
    return sample(lambda: program(kind, threads), schedules, random.Random(1), bytecodes_of=BYTECODES_OF)


@pytest.mark.usefixtures("_unwatched")
@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda program: program.__name__)
def test_threads_may_be_switched_between_any_two_bytecodes(program: Make) -> None:
    assert drawn(program, OnceLoader, 3, 40).failure is None


# A window of five bytecodes in a thousand is seldom hit by chance: only the systematic search finds that one
BY_CHANCE = [case for case in BROKEN if case[0] is not broken.PublishesBeforeVerification]


@pytest.mark.usefixtures("_unwatched")
@pytest.mark.parametrize(("kind", "program", "threads", "words"), BY_CHANCE)
def test_switching_between_bytecodes_catches_a_broken_loader(
    kind: programs.Kind, program: Make, threads: int, words: str
) -> None:
    assert words in str(drawn(program, kind, threads, 1000).failure)
