"""The roll call at the end of a trial: each known worker is asked, and who cannot be asked is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dashboard.settling import RollCall
from dashboard.verdict import judge
from tests.dashboard.records import green_run


def report(boot: str, seq: int, state: str = "ready", events: int = 0) -> dict[str, Any]:
    return {"boot": boot, "seq": seq, "state": state, "events": [{}] * events}


def test_the_word_of_one_process_settles_nothing_for_another() -> None:
    roll = RollCall()
    seen: dict[str, int | None] = {"a": 4, "b": 6}
    assert not roll.settled(report("a", 4), seen)
    assert not roll.settled(report("a", 4), seen)
    assert roll.settled(report("b", 6), seen)
    assert roll.unasked == ()


def test_a_process_that_loads_holds_up_the_end_though_the_other_is_done() -> None:
    roll = RollCall()
    seen: dict[str, int | None] = {"a": 4, "b": 6}
    roll.settled(report("a", 4), seen)
    assert not any(roll.settled(report("b", 6, "loading"), seen) for _ in range(200))


def test_events_that_are_on_their_way_are_waited_for() -> None:
    roll = RollCall()
    assert not roll.settled(report("a", 5), {"a": 4})
    assert roll.settled(report("a", 5), {"a": 5})


def test_what_was_told_before_the_log_went_on_is_asked_again() -> None:
    roll = RollCall()
    roll.settled(report("a", 4), {"a": 4, "b": 6})
    assert not roll.settled(report("b", 6), {"a": 7, "b": 6})
    assert roll.settled(report("a", 7), {"a": 7, "b": 6})


def test_whoever_never_answers_is_named_after_many_questions() -> None:
    roll = RollCall()
    seen: dict[str, int | None] = {"a": 4, "b": 6}
    questions = next(n for n in range(1, 1000) if roll.settled(report("a", 4), seen))
    assert questions > 20
    assert roll.unasked == ("b",)
    assert roll.settled(report("b", 6), seen)  # at last
    assert roll.unasked == ()


def test_whoever_is_busy_is_not_given_up() -> None:
    roll = RollCall()
    seen: dict[str, int | None] = {"a": 4, "b": 6}
    roll.settled(report("b", 5, "loading"), seen)
    assert not any(roll.settled(report("a", 4), seen) for _ in range(1000))


def test_a_process_that_nobody_knows_settles_nothing() -> None:
    assert not RollCall().settled(report("stranger", 9), {"a": 4})


def test_a_warm_process_that_told_nothing_in_this_trial_is_settled_by_its_state() -> None:
    roll = RollCall()
    assert not roll.settled(report("b", 57, "loading"), {"b": None})
    assert roll.settled(report("b", 57), {"b": None})


@pytest.mark.parametrize(("events", "settled"), [(0, True), (1, False)])
def test_a_worker_that_names_neither_itself_nor_a_number_is_the_only_one(events: int, settled: bool) -> None:
    told = {"state": "ready", "events": [{}] * events}
    assert RollCall().settled(told, {"a": 4}) is settled


def test_a_worker_that_could_not_be_asked_keeps_the_verdict_from_green() -> None:
    trial = green_run().trials[0]  # type: ignore[no-untyped-call]
    assert judge(trial.evidence()).verdict == "green"
    verdict = judge(replace(trial, unasked=("b00t",)).evidence())
    assert (verdict.verdict, verdict.reasons[0].code) == ("inconclusive", "workers_unknown")
    assert "b00t" in verdict.reasons[0].text
