"""The verdict: each green has its red twin, and red facts stand while a trial still runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.evidence import Counts, Gap, Variant, Verdict, WorkerEnd
from dashboard.verdict import judge, red_facts
from tests.dashboard.worker_log import (
    BEGAN,
    WorkerLog,
    answered,
    good_trial,
    names,
    trial,
    unguarded_trial,
)

WHO = names(3)


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def failed(name: str, error: str, status: int | None = None) -> Variant:
    return Variant("job-1", name, "failed", sent=BEGAN.timestamp(), status=status, error=error)


def test_one_load_for_three_waiting_variants_is_green() -> None:
    assert judge(good_trial()).verdict == "green"


def test_the_same_trial_with_three_overlapping_loads_is_red() -> None:
    verdict = judge(unguarded_trial())
    assert verdict.verdict == "red"
    assert {"loaded_twice", "overlapping_loads", "two_models"} <= codes(verdict)


def test_a_green_verdict_counts_what_the_contract_names() -> None:
    assert judge(good_trial()).counts == Counts(1, 1, 0, 1, 0, 1, 1, 3, 3, 3)


def test_a_red_verdict_counts_each_load_and_each_model() -> None:
    counts = judge(unguarded_trial()).counts
    assert (counts.load_started, counts.load_completed, counts.unique_models) == (3, 3, 3)


def test_a_double_load_is_told_with_its_numbers_and_its_worker() -> None:
    reason = judge(unguarded_trial()).reasons[0]
    assert reason.text == (
        "The model was loaded 3 times in worker 3f9c1a (loads 1, 2 and 3 overlap); exactly 1 is right."
    )


def test_green_tells_what_it_rests_on() -> None:
    verdict = judge(good_trial())
    assert [reason.code for reason in verdict.reasons] == [
        "loaded_once",
        "answered",
        "contended",
        "one_model",
    ]
    assert verdict.reasons[0].text == "The model was loaded exactly once in worker 3f9c1a, in 0.2 s."


def test_loads_one_after_the_other_are_red_without_overlapping() -> None:
    verdict = judge(trial(WorkerLog().ask(*WHO).load(1).load(2), answered(WHO, load=2)))
    assert verdict.verdict == "red"
    assert "overlapping_loads" not in codes(verdict)


def test_loads_of_two_different_models_do_not_make_each_other_red() -> None:
    log = WorkerLog().ask(*WHO)
    log.tell("started", 1).tell("started", 2, model="tower").tell("completed", 2, model="tower")
    log.tell("completed", 1)
    assert judge(trial(log, answered(WHO))).verdict == "green"


def test_a_meta_tensor_error_is_red_even_when_a_retry_succeeds() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("meta_tensor_error", 1, error="MetaTensorError")
    verdict = judge(trial(log.load(2), answered(WHO, load=2)))
    assert verdict.verdict == "red"
    assert verdict.counts.meta_tensor_errors == 1


def test_a_failure_named_metatensorerror_is_a_meta_tensor_error() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="MetaTensorError").load(2)
    assert "meta_tensor_error" in codes(judge(trial(log, answered(WHO, load=2))))


def test_one_error_told_in_two_events_counts_once() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1)
    log.tell("failed", 1, error="MetaTensorError").tell("meta_tensor_error", 1)
    counts = judge(trial(log, ())).counts
    assert (counts.meta_tensor_errors, counts.load_failed) == (1, 1)


def test_an_answer_that_names_a_meta_tensor_error_is_red() -> None:
    variants = (*answered(WHO[:2]), failed(WHO[2], "HTTP 500: Cannot copy out of meta tensor; no data!", 500))
    evidence = replace(good_trial(), variants=variants)
    assert "meta_tensor_error" in codes(judge(evidence))


def test_a_poisoned_process_is_red_even_when_a_retry_succeeds() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="PoisonedProcess").load(2)
    assert "poisoned_process" in codes(judge(trial(log, answered(WHO, load=2))))


def test_a_load_that_failed_and_never_succeeded_is_red() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="OSError")
    verdict = judge(trial(log, tuple(failed(name, "HTTP 503: OSError: no file", 503) for name in WHO)))
    assert [reason.text for reason in verdict.reasons] == [
        "1 load failed in worker 3f9c1a (OSError) and none succeeded."
    ]


def test_a_failed_load_with_a_later_success_is_only_inconclusive() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="OSError").load(2)
    verdict = judge(trial(log, answered(WHO, load=2)))
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"retried"})


def test_a_failure_that_ended_after_the_next_attempt_began_is_red() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("started", 2).tell("failed", 1, error="OSError")
    assert "overlapping_loads" in codes(judge(trial(log.tell("completed", 2), answered(WHO, load=2))))


def test_answers_that_blame_a_failed_load_are_red_without_any_line_of_it() -> None:
    variants = tuple(failed(name, "HTTP 503: OSError: no such file", 503) for name in WHO)
    assert codes(judge(trial(WorkerLog().ask(*WHO), variants))) == {"load_failed"}


@pytest.mark.parametrize(
    "error",
    ["HTTP 429: too many waiting", "timed out after 180 s", "HTTP 503", "HTTP 503: LoadTimeout: not ready"],
)
def test_answers_that_blame_no_load_are_inconclusive(error: str) -> None:
    status = int(error[5:8]) if error.startswith("HTTP") else None
    evidence = replace(good_trial(), variants=(*answered(WHO[:2]), failed(WHO[2], error, status)))
    assert codes(judge(evidence)) == {"not_answered"}


def test_a_worker_that_dies_while_it_loads_is_red() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1)
    verdict = judge(trial(log, (), ends=(WorkerEnd("worker", 1.0, -11, boot="3f9c1a"),)))
    assert codes(verdict) == {"worker_died"}
    assert "signal 11" in verdict.reasons[0].text


def test_a_worker_that_is_told_to_stop_while_it_loads_is_inconclusive() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1)
    verdict = judge(trial(log, (), ends=(WorkerEnd("worker", 1.0, -15),)))
    assert verdict.verdict == "inconclusive"
    assert {"restarted", "unfinished"} <= codes(verdict)


def test_a_worker_that_dies_after_its_load_is_not_green() -> None:
    evidence = good_trial(ends=(WorkerEnd("worker", 1.0, -11),))
    assert codes(judge(evidence)) == {"restarted"}


def test_a_worker_killed_for_want_of_memory_is_red() -> None:
    evidence = good_trial(ends=(WorkerEnd("worker", 1.0, -9, out_of_memory=True),))
    assert codes(judge(evidence)) == {"out_of_memory"}


def test_two_objects_of_one_model_are_red_though_the_log_shows_one_load() -> None:
    variants = (*answered(WHO[:2]), *answered(WHO[2:], load=2))
    verdict = judge(replace(good_trial(), variants=variants))
    assert codes(verdict) == {"two_models"}
    assert verdict.witnesses.log == "disagrees"


def test_objects_of_two_generations_are_not_two_models() -> None:
    log = WorkerLog().ask(*WHO).load(1).tell("released", 1).load(2)
    variants = (*answered(WHO[:2]), *answered(WHO[2:], load=2))
    verdict = judge(trial(log, variants))
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"reloaded"})


def test_a_second_load_after_a_release_but_in_one_generation_is_red() -> None:
    log = WorkerLog().ask(*WHO).load(1).tell("released", 1).load(2).load(3)
    assert "loaded_twice" in codes(judge(trial(log, answered(WHO, load=2))))


@pytest.mark.parametrize(
    "more",
    [{"aborted": "The run was aborted."}, {"gaps": (Gap("worker", "events 4 to 5 are missing"),)}],
    ids=["abort", "gap"],
)
def test_a_red_fact_wins_over_everything_else(more: dict[str, object]) -> None:
    assert judge(unguarded_trial(**more)).verdict == "red"
    assert judge(good_trial(**more)).verdict == "inconclusive"


def test_two_starts_are_a_red_fact_before_anything_has_ended() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("started", 2)
    assert {"loaded_twice", "overlapping_loads"} == {each.code for each in red_facts(trial(log, ()))}


def test_a_failure_is_no_lasting_red_fact_because_a_retry_may_come() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="OSError")
    assert red_facts(trial(log, ())) == ()
