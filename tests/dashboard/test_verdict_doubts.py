"""The doubts: each keeps a trial from green, under its own code."""

from __future__ import annotations

from dataclasses import replace

from dashboard.evidence import Evidence, Verdict, Worker
from dashboard.verdict import judge
from tests.dashboard.worker_log import (
    BEGAN,
    WorkerLog,
    answered,
    good_trial,
    names,
    read,
    trial,
)

WHO = names(3)


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def test_a_warm_worker_shows_no_load() -> None:
    verdict = judge(trial(WorkerLog(), answered(WHO)))
    assert codes(verdict) == {"no_load"}
    assert "loaded already" in verdict.reasons[0].text


def test_a_load_without_an_end_is_unfinished() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1)
    assert "unfinished" in codes(judge(trial(log, ())))


def test_an_end_without_a_start_is_inconclusive() -> None:
    log = WorkerLog().ask(*WHO).tell("completed", 1)
    assert codes(judge(trial(log, answered(WHO)))) == {"end_without_start"}


def test_a_hole_in_the_numbering_is_a_gap() -> None:
    log = WorkerLog().ask(*WHO).load()
    del log.told[1]
    assert "gap" in codes(judge(trial(log, answered(WHO))))


def test_an_abort_is_told_with_its_reason() -> None:
    verdict = judge(good_trial(aborted="An operator stopped it."))
    assert verdict.reasons[0].text == "The trial was cut short: An operator stopped it."


def test_a_load_that_began_before_any_variant_asked_is_early() -> None:
    log = WorkerLog().tell("requested", thread="warm-up").tell("started", 1).ask(*WHO).tell("completed", 1)
    assert codes(judge(trial(log, answered(WHO)))) == {"loaded_before_release"}


def test_a_worker_clock_that_is_behind_makes_no_load_early() -> None:
    assert judge(good_trial(released_at=BEGAN.timestamp() + 60)).verdict == "green"


def test_a_single_variant_proves_nothing() -> None:
    assert codes(judge(good_trial(1))) == {"no_contention"}


def test_variants_that_ask_after_the_load_do_not_contend() -> None:
    log = WorkerLog().ask(WHO[0]).load().ask(*WHO[1:])
    verdict = judge(trial(log, answered(WHO)))
    assert codes(verdict) == {"no_contention"}
    assert verdict.counts.contended == 1


def test_the_worker_with_the_least_contention_decides() -> None:
    one, other = WorkerLog("aaaa").ask(*WHO).load(), WorkerLog("bbbb", pid=8).ask("late").load()
    verdict = judge(
        Evidence(
            events=read(one.lines + other.lines).events(),
            variants=(*answered(WHO, "aaaa"), *answered(["late"], "bbbb")),
            workers=(Worker("aaaa", 7, "worker", "healthz"), Worker("bbbb", 8, "worker", "healthz")),
        )
    )
    assert codes(verdict) == {"no_contention"}
    assert verdict.counts.contended == 4


def test_a_vision_tower_with_a_single_requester_does_not_spoil_the_contention() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("requested", thread="load-1", model="tower")
    log.tell("started", 2, model="tower").tell("completed", 2, model="tower").tell("completed", 1)
    assert judge(trial(log, answered(WHO))).verdict == "green"


def test_an_unknown_worker_is_not_counted_and_not_forgotten() -> None:
    evidence = good_trial()
    intruder = read(WorkerLog("evil").load().load(2).lines).events()
    verdict = judge(replace(evidence, events=(*evidence.events, *intruder)))
    assert codes(verdict) == {"workers_unknown"}
    assert verdict.counts.load_started == 1


def test_a_forked_worker_is_known_by_its_parent() -> None:
    child = WorkerLog("child", pid=8)
    child.tell("requested", thread=WHO[0], parent_boot="3f9c1a").tell("requested", thread=WHO[1])
    child.tell("started", 1).tell("completed", 1)
    evidence = Evidence(
        events=read(child.lines).events(), workers=(Worker("3f9c1a", 7, "worker", "healthz"),)
    )
    assert "workers_unknown" not in codes(judge(evidence))


def test_an_answer_from_a_load_that_the_log_never_completed_is_a_contradiction() -> None:
    evidence = replace(good_trial(), variants=answered(WHO, load=9))
    verdict = judge(evidence)
    assert codes(verdict) == {"witness_disagrees"}
    assert verdict.witnesses.identity == "disagrees"


def test_the_same_pid_with_another_boot_is_a_restart() -> None:
    first, second = WorkerLog("aaaa", pid=1).ask(*WHO).load(), WorkerLog("bbbb", pid=1).ask(*WHO).load()
    verdict = judge(
        Evidence(
            events=read(first.lines + second.lines).events(),
            variants=answered(WHO, "bbbb"),
            workers=(Worker("aaaa", 1, "worker", "healthz"), Worker("bbbb", 1, "worker", "healthz")),
            released_at=BEGAN.timestamp(),
        )
    )
    assert "restarted" in codes(verdict)


def test_an_answer_without_identity_among_others_that_have_one_is_a_doubt() -> None:
    nameless = answered(WHO[2:], boot=None, load=None, model=None)
    verdict = judge(replace(good_trial(), variants=(*answered(WHO[:2]), *nameless)))
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"witness_disagrees"})
    assert "1 of 3 answers did not say" in verdict.reasons[0].text


def test_answers_that_all_lack_a_load_number_check_no_identity() -> None:
    verdict = judge(replace(good_trial(), variants=answered(WHO, load=None)))
    assert "identity" in verdict.not_checked


def test_an_answer_of_another_model_than_its_load_gave_is_a_contradiction() -> None:
    verdict = judge(replace(good_trial(), variants=answered(WHO, model="other")))
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"witness_disagrees"})
    assert "answered with other from load 1" in verdict.reasons[0].text


def test_two_model_names_for_one_load_are_a_contradiction() -> None:
    variants = (*answered(WHO[:2]), *answered(WHO[2:], model=None))
    assert codes(judge(replace(good_trial(), variants=variants))) == {"witness_disagrees"}


def test_a_load_that_failed_and_completed_under_one_number_is_not_proven() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="OSError").tell("completed", 1)
    verdict = judge(trial(log, answered(WHO)))
    assert verdict.verdict == "inconclusive"
    assert {"end_without_start", "retried"} < codes(verdict)


def test_one_failure_that_is_told_twice_is_one_failure() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1)
    log.tell("failed", 1, error="OSError").tell("failed", 1, error="OSError").load(2)
    assert codes(judge(trial(log, answered(WHO, load=2)))) == {"retried"}


def test_a_second_load_is_red_though_it_failed_because_the_model_was_there() -> None:
    log = WorkerLog().ask(*WHO).load(1).tell("started", 2).tell("failed", 2, error="OSError")
    verdict = judge(trial(log, answered(WHO)))
    assert (verdict.verdict, verdict.reasons[0].code) == ("red", "loaded_twice")


def test_requests_that_name_no_variant_contend_only_while_variants_are_in_flight() -> None:
    log = WorkerLog().ask("cron-1", "cron-2").load()
    late = tuple(
        replace(each, sent=BEGAN.timestamp() + 50, answered=BEGAN.timestamp() + 51) for each in answered(WHO)
    )
    assert codes(judge(trial(log, late))) == {"no_contention"}
    met = tuple(replace(each, answered=BEGAN.timestamp() + 50) for each in answered(WHO))
    assert judge(trial(log, met)).counts.contended == 2


def test_two_processes_that_write_as_one_worker_are_not_told_apart() -> None:
    one = WorkerLog().ask(*WHO).load()
    other = WorkerLog(pid=8).ask(*WHO).load()
    evidence = replace(good_trial(), events=read(one.lines + other.lines).events())
    verdict = judge(evidence)
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"workers_unknown"})
    assert "came from 2 processes (7, 8)" in verdict.reasons[0].text
