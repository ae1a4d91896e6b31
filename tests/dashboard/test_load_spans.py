"""Loads as spans of time: who made them, how they ended, what was wrong with them."""

from __future__ import annotations

from dataclasses import replace

from dashboard.evidence import LogEvent
from dashboard.load_spans import LoadSpan, load_spans, span_words
from dashboard.timeline_words import loads_words, trial_words
from tests.dashboard.records import broken_trial, guarded_trial
from tests.dashboard.sample_records import trial


def stranger(kind: str, at: float, line: int, process: int = 1) -> LogEvent:
    """An event of a service that is not ours: no boot, no load number."""
    return LogEvent(
        kind, "web", line, at, "feedlyai", "Loading LLaVa model", fields={"process": str(process)}  # type: ignore[arg-type]
    )  # fmt: skip


def told(spans: tuple[LoadSpan, ...]) -> list[tuple[float | None, float | None, str]]:
    return [(span.start, span.end, span.outcome) for span in spans]


def test_a_stranger_s_end_is_that_of_its_oldest_load() -> None:
    events = [stranger("started", 1, 0), stranger("completed", 3, 1), stranger("started", 10, 2)]
    assert told(load_spans([*events, stranger("completed", 11, 3)])) == [
        (1, 3, "completed"),
        (10, 11, "completed"),
    ]


def test_a_second_load_of_one_process_is_bad_though_the_first_is_over() -> None:
    events = [
        stranger(kind, at, at) for at, kind in enumerate(("started", "completed", "started", "completed"))
    ]
    first, second = load_spans(events)
    assert (first.bad, second.bad, second.again, second.overlaps) == (False, True, True, False)
    assert "had loaded this model before" in span_words(second)


def test_loads_of_two_processes_are_both_right() -> None:
    events = [stranger("started", 1, 0, 1), stranger("started", 2, 1, 2)]
    events += [stranger("completed", 3, 2, 1), stranger("completed", 4, 3, 2)]
    spans = load_spans(events)
    assert [span.process for span in spans] == ["process 1", "process 2"]
    assert not any(span.bad for span in spans)


def test_loads_that_lie_over_each_other_are_both_bad() -> None:
    spans = load_spans([stranger("started", 1, 0), stranger("started", 2, 1), stranger("completed", 3, 2)])
    assert [span.overlaps for span in spans] == [True, True]


def test_a_restart_cuts_a_load_off_and_the_next_one_is_the_first_of_its_life() -> None:
    events = [stranger("started", 1, 0), stranger("started", 6, 1), stranger("completed", 8, 2)]
    cut, whole = load_spans(events, restarts=[5.0])
    assert (cut.outcome, cut.life, cut.bad) == ("cut", 0, False)
    assert (whole.outcome, whole.life, whole.bad) == ("completed", 1, False)
    assert load_spans(events)[1].overlaps  # without the restart it would be


def test_an_end_whose_start_is_not_in_the_log_is_a_span_all_the_same() -> None:
    (span,) = load_spans([stranger("completed", 3, 0)])
    assert (span.start, span.end, span.begin, span.end_line) == (None, 3, 3, 0)


def test_a_log_that_never_tells_of_ends_says_so() -> None:
    begun = replace(stranger("started", 1, 0), fields={"process": "1", "ends": "untold"})
    assert load_spans([begun])[0].outcome == "untold"


def test_a_model_that_was_given_up_may_be_loaded_again() -> None:
    kinds = ("started", "completed", "released", "started", "completed")
    assert not any(span.bad for span in load_spans(stranger(kind, at, at) for at, kind in enumerate(kinds)))


def test_our_own_worker_s_loads_have_their_line_their_thread_and_their_process() -> None:
    (span,) = load_spans(guarded_trial(3).events)  # type: ignore[no-untyped-call]
    assert (span.process, span.thread, span.load, span.outcome) == (
        "3f9c1a",
        "job-1.variant-1",
        1,
        "completed",
    )
    assert span.line is not None


def test_a_meta_tensor_error_is_told_as_such() -> None:
    outcomes = [span.outcome for span in load_spans(broken_trial(3).events)]  # type: ignore[no-untyped-call]
    assert outcomes == ["meta", "meta", "completed"]


def test_what_a_timeline_shows_is_told_in_words() -> None:
    words = trial_words(guarded_trial(3))  # type: ignore[no-untyped-call]
    assert words.startswith("1 load. job-1.variant-1: 0.40 s, completed.")
    assert "2 callers waited for a load." in words
    assert "Of 3 variants 3 were answered and 0 failed." in words


def test_what_is_wrong_is_told_in_words() -> None:
    words = trial_words(broken_trial(3))  # type: ignore[no-untyped-call]
    assert "3 of them are one too many, overlap another or lack tensors." in words


def test_a_trial_without_a_load_says_so() -> None:
    assert loads_words(()) == "No load was seen."
    assert trial_words(replace(trial(1), events=())).startswith("No load was seen.")
