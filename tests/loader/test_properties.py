"""Random sequences of everything that can be asked of a loader, forks included, against a simple model."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from loader.once import OnceLoader
from tests.loader import broken_loaders as broken
from tests.loader.loader_machine import LoaderMachine

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

# The same examples each time: a pull request must not fail by the luck of somebody else's draw
QUICK = settings(
    derandomize=True,
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
# Others each time, and few: what is rare is found over many runs, not by making every one of them long
LONG = settings(QUICK, derandomize=False, max_examples=20, stateful_step_count=50)


def test_any_sequence_of_calls_is_answered_as_the_model_says() -> None:
    run_state_machine_as_test(LoaderMachine, settings=QUICK)


@pytest.mark.slow
def test_many_long_sequences_of_calls_are_answered_as_the_model_says() -> None:
    run_state_machine_as_test(LoaderMachine, settings=LONG)


@pytest.mark.parametrize(
    "broken_kind",
    [
        broken.WithoutCoolDown,
        broken.WithoutSecondCheck,
        broken.GivesUpForEverybody,
        broken.WaitsForItsParentsLoad,
    ],
)
def test_a_broken_loader_is_caught(broken_kind: type[OnceLoader[object]]) -> None:
    class Broken(LoaderMachine):
        kind = broken_kind
        patience = 0.5  # what it gets wrong may be that it never answers

    with pytest.raises((AssertionError, TimeoutError, ExceptionGroup)):
        run_state_machine_as_test(Broken, settings=settings(QUICK, phases=[Phase.generate]))
