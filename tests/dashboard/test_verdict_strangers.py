"""The verdict on a stranger's log: starts, ends and errors, and the processes that it tells of."""

from __future__ import annotations

import pytest

from dashboard.evidence import Evidence, Variant, Verdict
from dashboard.verdict import judge
from tests.dashboard.worker_log import (
    read,
)

START = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
END = "✓ LLaVa model loaded successfully on cuda"


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def stranger(*texts: str, **more: object) -> Evidence:
    return Evidence(events=read(texts).events(), **more)  # type: ignore[arg-type]


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
