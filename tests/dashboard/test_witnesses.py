"""The witnesses: each states a claim of its own, and it is the verdict that a claim is compared with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.evidence import Colour, Evidence, Testimony
from dashboard.ledger import read_ledger
from dashboard.verdict import judge
from dashboard.witnesses import (
    Claim,
    Statement,
    identities,
    identity_testimony,
    log_testimony,
    supports,
)
from tests.dashboard.worker_log import WorkerLog, answered, good_trial, names, trial, unguarded_trial

WHO = names(3)


def log_of(evidence: Evidence) -> Claim:
    return log_testimony(read_ledger(evidence)).claim


def identity_of(evidence: Evidence) -> Statement:
    return identity_testimony(evidence, read_ledger(evidence))


def test_the_log_says_once_of_one_whole_load() -> None:
    assert log_of(good_trial()) == "once"


def test_the_log_says_more_of_two_loads() -> None:
    assert log_of(unguarded_trial(2)) == "more"


def test_the_log_says_nothing_without_a_load() -> None:
    assert log_of(trial(WorkerLog().ask(*WHO), ())) == "nothing"


def test_answers_of_one_load_say_once() -> None:
    assert identity_of(good_trial()) == Statement("once")


def test_answers_of_several_loads_say_more() -> None:
    assert identity_of(unguarded_trial()).claim == "more"


def test_answers_without_identity_say_nothing() -> None:
    evidence = replace(good_trial(), variants=answered(WHO, boot=None, load=None))
    assert identity_of(evidence).claim == "nothing"


def test_the_same_load_number_in_two_workers_is_not_two_models() -> None:
    evidence = replace(good_trial(), variants=(*answered(WHO[:2]), *answered(WHO[2:], boot="other")))
    assert identity_of(evidence).claim == "once"


def test_a_load_that_the_log_never_showed_is_doubted_with_its_number() -> None:
    (doubt,) = identity_of(replace(good_trial(), variants=answered(WHO, load=5))).doubts
    assert doubt == "3 variants were answered with load 5 of worker 3f9c1a, which its log does not show."


def test_a_load_that_failed_and_yet_answered_is_doubted() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="OSError")
    (doubt,) = identity_of(trial(log, answered(WHO))).doubts
    assert "which by its log never completed" in doubt


def test_a_forked_worker_may_answer_with_the_load_of_its_parent() -> None:
    log = WorkerLog().ask(*WHO).load()
    child = WorkerLog("child", pid=8).tell("requested", thread="late", parent_boot="3f9c1a")
    evidence = trial(log, answered(WHO, boot="child"))
    both = trial(child, ()).events
    assert identity_of(replace(evidence, events=(*evidence.events, *both))).doubts == ()


def test_an_identity_tells_which_variants_were_given_it() -> None:
    evidence = good_trial()
    (identity,) = identities(evidence, read_ledger(evidence))
    assert (identity.boot, identity.load, identity.variants) == ("3f9c1a", 1, tuple(WHO))


@pytest.mark.parametrize(
    ("claim", "colour", "expected"),
    [
        ("once", "green", "agrees"),
        ("more", "green", "disagrees"),
        ("once", "red", "disagrees"),
        ("more", "red", "agrees"),
        ("once", "inconclusive", "agrees"),
        ("nothing", "red", "silent"),
    ],
)
def test_a_claim_supports_a_verdict_or_not(claim: Claim, colour: Colour, expected: Testimony) -> None:
    assert supports(Statement(claim), colour) == expected


def test_a_witness_with_a_doubt_does_not_support_a_green() -> None:
    assert supports(Statement("once", ("…",)), "green") == "disagrees"


def test_log_and_identity_both_support_a_green() -> None:
    witnesses = judge(good_trial()).witnesses
    assert (witnesses.log, witnesses.identity) == ("agrees", "agrees")
