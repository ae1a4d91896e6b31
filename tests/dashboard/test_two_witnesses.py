"""Where two witnesses contradict each other nothing is green, and the verdict says which two and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.evidence import Evidence, LogEvent, Reason, Verdict, WorkerReport
from dashboard.memory import Memory, MemorySample, Yardstick
from dashboard.verdict import judge
from tests.dashboard.worker_log import (
    BEGAN,
    MODEL,
    WorkerLog,
    answered,
    good_trial,
    names,
    read,
    unguarded_trial,
)

MB = 1_000_000
WHO = names(3)
ONCE = {"requested": 3, "started": 1, "progress": 1, "completed": 1}


def held(*mb: int, model: int = 400) -> Memory:
    """Samples of a process, the first from the moment before the release."""
    zero = BEGAN.timestamp()
    samples = tuple(MemorySample(zero + second, pss=each * MB) for second, each in enumerate(mb))
    return Memory(samples, Yardstick({"cpu": model * MB}, mb[0] * MB), settled=True)


def report(boot: str = "3f9c1a", model: str = MODEL, **counts: int) -> tuple[WorkerReport, ...]:
    return (WorkerReport(boot, model, counts),)


def contradiction(evidence: Evidence) -> Reason:
    """The only reason of a trial that is spoiled by nothing but a contradiction."""
    verdict = judge(evidence)
    assert verdict.verdict == "inconclusive"
    (reason,) = verdict.reasons
    assert reason.code == "witness_disagrees"
    return reason


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


# -- all agree -------------------------------------------------------------------------------------------


def test_four_witnesses_that_agree_are_green_and_leave_nothing_unchecked() -> None:
    verdict = judge(good_trial(reports=report(**ONCE), memory=held(250, 655)))
    witnesses = verdict.witnesses
    assert verdict.verdict == "green"
    assert (witnesses.log, witnesses.identity, witnesses.memory, witnesses.report) == ("agrees",) * 4
    assert verdict.not_checked == ()
    assert "PSS rose from 250 MB before the release to 655 MB" in verdict.reasons[-1].text


# -- log and identity ------------------------------------------------------------------------------------


def test_answers_with_another_load_than_the_log_shows_are_told_as_such() -> None:
    reason = contradiction(replace(good_trial(), variants=answered(WHO, load=5)))
    assert reason.text.startswith(
        "Log and answers contradict each other: 3 variants were answered with load 5"
    )


# -- log and memory, identity and memory -----------------------------------------------------------------


def test_a_second_model_in_the_memory_spoils_a_log_and_answers_of_one() -> None:
    evidence = good_trial(reports=report(**ONCE), memory=held(250, 1055))
    reason = contradiction(evidence)
    assert reason.text == (
        "Log and memory contradict each other: it holds 2 models more than before the first load: PSS rose "
        "from 250 MB before the release to 1,055 MB once all was settled, and one model takes 400 MB."
    )
    assert judge(evidence).witnesses.memory == "disagrees"


def test_answers_of_two_models_are_red_though_the_memory_holds_one() -> None:
    given = (*answered(WHO[:2]), *answered(WHO[2:], load=2))
    verdict = judge(replace(good_trial(memory=held(250, 655)), variants=given))
    assert (verdict.verdict, codes(verdict)[0]) == ("red", "two_models")
    assert (verdict.witnesses.identity, verdict.witnesses.memory) == ("agrees", "disagrees")


def test_a_peak_of_two_models_is_no_contradiction() -> None:
    assert judge(good_trial(memory=held(250, 1055, 1055, 655))).verdict == "green"


def test_memory_alone_never_makes_red() -> None:
    assert judge(good_trial(memory=held(250, 9000))).verdict == "inconclusive"


def test_memory_of_several_models_supports_a_red() -> None:
    verdict = judge(unguarded_trial(3, memory=held(250, 1455)))
    assert (verdict.verdict, verdict.witnesses.memory) == ("red", "agrees")
    assert "witness_disagrees" not in codes(verdict)


def test_one_model_in_the_memory_does_not_wash_a_red_log() -> None:
    verdict = judge(unguarded_trial(3, memory=held(250, 655)))
    assert (verdict.verdict, verdict.witnesses.memory) == ("red", "disagrees")


@pytest.mark.parametrize(
    "memory",
    [
        None,
        held(250, 1055, model=199),
        replace(held(250, 1055), yardstick=Yardstick()),
        replace(held(250, 1055), settled=False),
    ],
    ids=["not measured", "too small", "of unknown size", "not settled"],
)
def test_a_silent_memory_spoils_nothing_and_is_named_as_unchecked(memory: Memory | None) -> None:
    verdict = judge(good_trial(memory=memory))
    assert (verdict.verdict, verdict.witnesses.memory) == ("green", "silent")
    assert verdict.not_checked == ("memory",)


def test_memory_says_nothing_of_two_models_of_which_it_knows_one_size() -> None:
    log = WorkerLog().ask(*WHO).load(1).tell("started", 2, model="tower").tell("completed", 2, model="tower")
    verdict = judge(replace(good_trial(memory=held(250, 1055)), events=_events(log)))
    assert (verdict.verdict, verdict.witnesses.memory) == ("green", "silent")


# -- log and the worker's own report ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"started": 2, "completed": 1}, "itself tells of 2 starts, its log of 1."),
        ({"started": 1, "completed": 2}, "itself tells of 2 completions, its log of 1."),
        ({"started": 1, "completed": 1, "failed": 1}, "itself tells of 1 failed load, its log of 0."),
        (
            {"started": 1, "completed": 1, "meta_tensor_error": 3},
            "itself tells of 3 meta tensor errors, its log of 0.",
        ),
    ],
)
def test_a_worker_that_counts_otherwise_than_its_log_spoils_it(counts: dict[str, int], said: str) -> None:
    evidence = good_trial(reports=report(**counts))
    reason = contradiction(evidence)
    assert reason.text == f"Log and the worker contradict each other: worker 3f9c1a {said}"
    assert judge(evidence).witnesses.report == "disagrees"


def test_a_worker_that_counts_nothing_spoils_a_log_that_does() -> None:
    verdict = judge(good_trial(reports=report(requested=3)))
    assert (verdict.verdict, codes(verdict)) == ("inconclusive", ["witness_disagrees"] * 2)


def test_a_worker_that_counts_as_its_log_supports_a_red() -> None:
    verdict = judge(unguarded_trial(3, reports=report(started=3, completed=3)))
    assert (verdict.verdict, verdict.witnesses.report) == ("red", "agrees")


def test_both_of_two_models_of_one_checkpoint_count_for_the_worker_that_counts_them_together() -> None:
    log = WorkerLog(model=f"{MODEL}#1").ask(*WHO).load()
    log.tell("started", 2, model=f"{MODEL}#2").tell("completed", 2, model=f"{MODEL}#2")
    given = answered(WHO, model=f"{MODEL}#1")
    evidence = good_trial(reports=report(started=2, completed=2))
    verdict = judge(replace(evidence, events=_events(log), variants=given))
    assert (verdict.verdict, verdict.witnesses.report) == ("green", "agrees")


def test_the_report_of_a_process_that_nobody_knows_says_nothing() -> None:
    verdict = judge(good_trial(reports=report("ffffff", started=9)))
    assert (verdict.verdict, verdict.witnesses.report) == ("green", "silent")


def _events(log: WorkerLog) -> tuple[LogEvent, ...]:
    return read(log.lines).events()
