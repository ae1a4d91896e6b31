"""The verdict: each green has its red twin, each doubt its code, and nothing turns a red one green."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.evidence import Control, Counts, Evidence, Gap, Reason, Variant, Verdict, Worker, WorkerEnd
from dashboard.verdict import conclude, control_of, judge, red_facts, with_control, worst
from loader.events import EventKind
from tests.dashboard.worker_log import (
    BEGAN,
    MODEL,
    WorkerLog,
    answered,
    good_trial,
    names,
    read,
    trial,
    unguarded_trial,
)

WHO = names(3)
START = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
END = "✓ LLaVa model loaded successfully on cuda"


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def stranger(*texts: str, **more: object) -> Evidence:
    return Evidence(events=read(texts).events(), **more)  # type: ignore[arg-type]


def failed(name: str, error: str, status: int | None = None) -> Variant:
    return Variant("job-1", name, "failed", sent=BEGAN.timestamp(), status=status, error=error)


# -- green, and its red twin ------------------------------------------------------------------------------


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


# -- inconclusive -----------------------------------------------------------------------------------------


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


# -- strangers --------------------------------------------------------------------------------------------


def test_a_bare_log_is_judged_by_starts_and_ends_alone() -> None:
    verdict = judge(stranger(START, END))
    assert verdict.verdict == "green"
    assert verdict.not_checked == ("answers", "contention", "identity", "memory")
    assert (verdict.counts.unique_models, verdict.counts.contended, verdict.latency_s) == (None, None, None)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ((START, "Error: Cannot copy out of meta tensor; no data!"), "a crash after one start"),
        ((START + START, END), "two starts on one line"),
        ((START, END, END), "a second completion"),
    ],
)
def test_what_a_count_of_start_lines_calls_fine_is_red(texts: tuple[str, ...], why: str) -> None:
    assert sum("Loading LLaVa model" in text for text in texts) == 1
    assert judge(stranger(*texts)).verdict == "red", why


def test_a_load_that_never_ended_is_not_called_fine() -> None:
    assert codes(judge(stranger(START, "still waiting"))) == {"unfinished"}


def test_more_starts_than_expected_workers_are_red() -> None:
    assert codes(judge(stranger(*[START] * 3, *[END] * 3, expected_workers=2))) == {"loaded_twice"}


def test_as_many_starts_as_expected_workers_may_still_be_two_in_one() -> None:
    assert codes(judge(stranger(START, START, END, END, expected_workers=2))) == {"workers_unknown"}


def test_processes_that_the_log_tells_apart_are_judged_one_by_one() -> None:
    mark = "INFO:     Started server process [1]"
    verdict = judge(stranger(mark, START, END, mark, START, END))
    assert (verdict.verdict, verdict.counts.workers) == ("green", 2)


def test_a_second_process_in_a_trial_is_a_restart() -> None:
    mark = "INFO:     Started server process [1]"
    evidence = stranger(mark, START, END, mark, START, END, released_at=0.0, variants=())
    assert "restarted" in codes(judge(evidence))


def test_a_process_that_was_replaced_while_it_loaded_is_a_restart() -> None:
    mark = "INFO:     Started server process [1]"
    assert codes(judge(stranger(mark, START, mark, START, END))) == {"restarted", "unfinished"}


def test_a_stranger_is_contended_by_what_was_sent_before_and_answered_after() -> None:
    def variant(name: str, sent: float, done: float) -> Variant:
        return Variant("job-1", name, "answered", sent=sent, answered=done, status=200)

    variants = (variant("a", -1.0, 2.0), variant("b", 0.5, 3.0), variant("c", 1.5, 4.0))
    verdict = judge(stranger(START, END, variants=variants, released_at=-1.0))
    assert (verdict.verdict, verdict.counts.contended) == ("green", 2)


def test_a_stranger_that_nobody_met_is_not_proven() -> None:
    variants = (Variant("job-1", "a", "answered", sent=-1.0, answered=5.0, status=200),)
    verdict = judge(stranger(START, END, variants=variants, released_at=-1.0))
    assert codes(verdict) == {"no_contention"}


# -- red while it runs ------------------------------------------------------------------------------------


def test_two_starts_are_a_red_fact_before_anything_has_ended() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("started", 2)
    assert {"loaded_twice", "overlapping_loads"} == {each.code for each in red_facts(trial(log, ()))}


def test_a_failure_is_no_lasting_red_fact_because_a_retry_may_come() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="OSError")
    assert red_facts(trial(log, ())) == ()


# -- control, worst, latency ------------------------------------------------------------------------------

RACED = Reason("loaded_twice", "The model was loaded 3 times.")
RED_CONTROL = Control("red", "off", 1, 1, Counts(3, 3), (RACED,))
PALE_CONTROL = Control("inconclusive", "off", 3, 0, Counts())


def test_a_red_control_gives_green_its_meaning() -> None:
    verdict = with_control(judge(good_trial()), RED_CONTROL, wanted=True)
    assert verdict.verdict == "green"
    assert verdict.reasons[-1].text == (
        "With the guard off the same trial went red in 1 of 1, so this green means something."
    )


@pytest.mark.parametrize("control", [PALE_CONTROL, None])
def test_a_green_whose_control_did_not_go_red_proves_nothing(control: Control | None) -> None:
    verdict = with_control(judge(good_trial()), control, wanted=True)
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"control_not_red"})


def test_a_green_without_a_control_stands_where_none_is_wanted() -> None:
    verdict = with_control(judge(good_trial()), None, wanted=False)
    assert verdict.verdict == "green"
    assert "no_control" in codes(verdict)


def test_a_control_changes_no_red_verdict() -> None:
    red = judge(unguarded_trial())
    assert with_control(red, PALE_CONTROL, wanted=True) is red


def dead_control() -> Verdict:
    log = WorkerLog().ask(*WHO).tell("started", 1)
    return judge(trial(log, (), ends=(WorkerEnd("worker", 1.0, -9, boot="3f9c1a"),)))


def oom_control() -> Verdict:
    return judge(good_trial(ends=(WorkerEnd("worker", 1.0, -9, out_of_memory=True),)))


def failed_control() -> Verdict:
    return judge(trial(WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, error="OSError"), ()))


@pytest.mark.parametrize(
    ("seen", "code"),
    [(dead_control(), "worker_died"), (oom_control(), "out_of_memory"), (failed_control(), "load_failed")],
    ids=["died", "out of memory", "failed"],
)
def test_a_control_that_is_red_for_another_reason_certifies_no_green(seen: Verdict, code: str) -> None:
    assert (seen.verdict, seen.reasons[0].code) == ("red", code)
    for control in (control_of([seen], "off"), Control("red", "off", 1, 1, seen.counts, seen.reasons)):
        verdict = with_control(judge(good_trial()), control, wanted=True)
        assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"control_not_red"})
        assert seen.reasons[0].text in verdict.reasons[0].text


def test_a_control_that_raced_certifies_a_green_whatever_its_other_tries_were() -> None:
    control = control_of([failed_control(), judge(unguarded_trial())], "off")
    assert (control.verdict, control.tries, control.red) == ("red", 2, 1)
    assert with_control(judge(good_trial()), control, wanted=True).verdict == "green"


@pytest.mark.parametrize("code", ["meta_tensor_error", "poisoned_process", "two_models", "overlapping_loads"])
def test_each_sign_of_a_race_makes_a_control_red(code: str) -> None:
    assert control_of([Verdict("red", (Reason(code, "…"),), Counts())], "off").red == 1


def test_a_run_with_all_its_trials_and_a_red_control_is_green() -> None:
    verdict = conclude([judge(good_trial())] * 3, RED_CONTROL, repeat=3, wants_control=True)
    assert verdict.verdict == "green"


def test_a_run_that_lacks_a_trial_is_not_green() -> None:
    verdict = conclude([judge(good_trial())] * 2, RED_CONTROL, repeat=3, wants_control=True)
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"aborted"})
    assert "2 of 3 trials had come out green" in verdict.reasons[0].text


def test_a_run_that_was_cut_short_is_not_green_and_says_why() -> None:
    verdict = conclude([judge(good_trial())], None, repeat=1, wants_control=True, cut="The lid was closed.")
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", {"aborted"})
    assert verdict.reasons[0].text.startswith("The lid was closed. By then 1 of 1 trial had come out green,")
    assert "no control had gone red" in verdict.reasons[0].text


def test_a_run_that_was_cut_short_after_a_red_trial_is_red() -> None:
    red = judge(unguarded_trial())
    verdicts = [judge(good_trial()), red]
    assert conclude(verdicts, None, repeat=9, wants_control=True, cut="The lid was closed.") is red


def test_a_run_without_a_judged_trial_says_why() -> None:
    verdict = conclude([], None, repeat=1, wants_control=True, cut="There was no torch.")
    assert (verdict.verdict, verdict.reasons) == (
        "inconclusive",
        (Reason("aborted", "There was no torch."),),
    )


def test_the_worst_verdict_is_the_first_red_one() -> None:
    green, red, doubt = judge(good_trial()), judge(unguarded_trial()), judge(good_trial(1))
    assert worst([green, doubt, red, judge(unguarded_trial(4))]) is red
    assert worst([green, doubt]) is doubt


def test_the_worst_of_nothing_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="judge at least one trial first"):
        worst([])


def test_percentiles_are_latencies_that_a_variant_really_had() -> None:
    latency = judge(good_trial(20)).latency_s
    assert latency is not None
    assert [round(each, 3) for each in (latency.p50, latency.p95, latency.p99, latency.max)] == [1, 1.9, 2, 2]


# -- properties -------------------------------------------------------------------------------------------

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
