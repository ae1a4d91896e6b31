from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.evidence import LogLine
from dashboard.language import speaking
from dashboard.listing import event_rows, run_label, run_rows, trial_label, verdict_words
from dashboard.store import RunSummary
from dashboard.timeline import FILLED_LINE
from dashboard.wording import when
from tests.dashboard.records import ZERO, broken_trial, green_run, guarded_trial, running_run

SUMMARY = RunSummary(
    "20261123-084512-3f9c1a", ZERO, ZERO + 2.5, "finished", "green", "local", "on", 1, 5, 1, "local", 1
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "✓ Green"),
        ({"verdict": "red"}, "✕ Red"),
        ({"verdict": "inconclusive"}, "? Inconclusive"),
        ({"status": "running", "verdict": None}, "… Running"),
        ({"status": "failed", "verdict": "inconclusive"}, "! Not made"),
        ({"status": "interrupted", "verdict": "inconclusive"}, "! Interrupted"),
        ({"status": "interrupted", "verdict": "red"}, "✕ Red"),
        ({"verdict": None}, "– None"),
    ],
)
def test_a_verdict_is_a_mark_and_a_word(changes, words):
    assert verdict_words(replace(SUMMARY, **changes)) == words


def test_a_run_is_told_from_the_others_in_one_line():
    assert run_label(SUMMARY).endswith("✓ Green · 1 × 5 variants · guard on · 3f9c1a")


def test_two_runs_that_were_launched_alike_within_a_second_have_labels_of_their_own():
    assert run_label(replace(SUMMARY, run_id="20261123-084512-77aa01")) != run_label(SUMMARY)


def test_a_run_is_told_in_the_viewers_language_and_by_the_viewers_clock():
    with speaking("ko@Asia/Seoul"):
        assert run_label(SUMMARY) == f"{when(ZERO)} · ✓ 초록 · 변형 1 × 5개 · 가드 켬 · 3f9c1a"
        assert when(ZERO).endswith("UTC+9")


def test_a_run_that_goes_on_has_no_duration():
    assert run_rows([replace(SUMMARY, finished_at=None)])[0]["Took"] is None


def test_durations_are_numbers_that_a_table_can_sort():
    row = run_rows([replace(SUMMARY, latency_p95_s=0.25)])[0]
    assert (row["p95 latency"], row["Took"]) == (0.25, 2.5)


def test_a_run_without_an_answer_has_no_latency():
    assert run_rows([SUMMARY])[0]["p95 latency"] is None


def test_a_run_that_was_found_by_its_log_shows_the_line_safe_to_show():
    hit = LogLine("trial-1", 3, "stdout", ZERO, "\x1b[31mboom\u202e")
    assert run_rows([SUMMARY], {SUMMARY.run_id: hit})[0]["Its log says"] == "boom\\u202e"


def test_trials_and_controls_are_told_apart():
    record = green_run()
    assert trial_label(record, 1) == "Trial 1 · ✓ Green"
    assert trial_label(record, 2) == "Control 1, guard off · ✕ Red"
    assert trial_label(running_run(), 1) == "Trial 1 · running"


def test_events_are_listed_in_the_order_of_time_with_their_line():
    rows = event_rows(broken_trial(2))
    times = [row["Since release (s)"] for row in rows]
    assert times == sorted(times)
    assert rows[0]["Log line"] == broken_trial(2).events[0].line + 1  # people count from 1


def test_an_event_that_the_worker_told_has_no_line_in_the_log():
    trial = guarded_trial(2)
    filled = replace(trial, events=(replace(trial.events[0], line=FILLED_LINE),))
    assert event_rows(filled)[0]["Log line"] is None


def test_an_event_is_told_in_words():
    assert "load completed" in {row["What"] for row in event_rows(guarded_trial(2))}
