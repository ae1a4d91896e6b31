"""The verdict on a run: its control, its worst trial, and what it lacks."""

from __future__ import annotations

import pytest

from dashboard.evidence import Control, Counts, Reason, Verdict, WorkerEnd
from dashboard.verdict import conclude, control_of, judge, with_control, worst
from tests.dashboard.worker_log import (
    WorkerLog,
    good_trial,
    names,
    trial,
    unguarded_trial,
)

WHO = names(3)


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


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
