"""Properties of the verdict: it is pure, and nothing turns a red one green."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.evidence import Evidence
from dashboard.verdict import judge
from loader.events import EventKind
from tests.dashboard.worker_log import (
    MODEL,
    WorkerLog,
    answered,
    good_trial,
    names,
    trial,
    unguarded_trial,
)

WHO = names(3)


TRIALS = st.integers(2, 6).map(unguarded_trial)


@given(evidence=TRIALS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_cut_log_never_turns_red_to_green(evidence: Evidence, data: st.DataObject) -> None:
    keep = data.draw(st.integers(0, len(evidence.events)))
    assert judge(replace(evidence, events=evidence.events[:keep])).verdict != "green"


@given(evidence=TRIALS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_lost_event_never_turns_red_to_green(evidence: Evidence, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(evidence.events) - 1))
    events = (*evidence.events[:lost], *evidence.events[lost + 1 :])
    assert judge(replace(evidence, events=events)).verdict != "green"


@given(data=st.data(), red=st.booleans())
@settings(max_examples=60, deadline=None)
def test_events_delivered_twice_in_any_order_change_nothing(data: st.DataObject, red: bool) -> None:
    evidence = unguarded_trial() if red else good_trial()
    again = data.draw(st.lists(st.sampled_from(evidence.events)))
    shuffled = tuple(data.draw(st.permutations([*evidence.events, *again])))
    assert judge(replace(evidence, events=shuffled)) == judge(evidence)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_judgement_is_pure(data: st.DataObject) -> None:
    evidence = data.draw(st.sampled_from([good_trial(), unguarded_trial(), good_trial(1)]))
    assert judge(evidence) == judge(evidence)


def test_the_model_of_an_answer_is_told_apart_by_name() -> None:
    variants = (*answered(WHO[:2], model=MODEL), *answered(WHO[2:], load=1, model="other"))
    assert judge(replace(good_trial(), variants=variants)).counts.unique_models == 2


KINDS = st.sampled_from(["started", "completed", "failed", "meta_tensor_error", "released", "waiting"])
STORIES = st.lists(st.tuples(KINDS, st.sampled_from([1, 1, 2])), max_size=5)


@given(before=STORIES, after=STORIES, load=st.sampled_from([1, 2, None]))
@settings(max_examples=300, deadline=None)
def test_a_green_trial_shows_one_start_one_completion_and_no_failure(
    before: list[tuple[EventKind, int]], after: list[tuple[EventKind, int]], load: int | None
) -> None:
    told = [*before, ("started", 1), *after, ("completed", 1)]
    log = WorkerLog().ask(*WHO)
    for kind, number in told:
        log.tell(kind, None if kind in ("released", "waiting") else number)
    if judge(trial(log, answered(WHO, load=load))).verdict == "green":
        kinds = [kind for kind, _ in told]
        assert (kinds.count("started"), kinds.count("completed")) == (1, 1)
        assert not {"failed", "meta_tensor_error"} & set(kinds)
        assert load != 2
