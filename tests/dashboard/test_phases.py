from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dashboard.evidence import Control, Counts, Variant
from dashboard.phases import board_view, variant_rows
from dashboard.record import RunRecord, TrialRecord
from dashboard.settings import RunSettings
from tests.dashboard.records import (
    ZERO,
    broken_trial,
    event,
    green_run,
    guarded_trial,
    red_run,
    running_run,
    unproven_run,
)


def kinds(row):
    return [span.kind for span in row.spans]


def step_states(record):
    return {step["id"]: step["state"] for step in board_view(record, now=ZERO)["steps"]}


def figures(record):
    return {
        figure["id"]: (figure["value"], figure["tone"]) for figure in board_view(record, now=ZERO)["figures"]
    }


# ------------------------------------------------------------------ rows


def test_the_variant_that_loads_is_shown_loading_then_answering():
    row = variant_rows(guarded_trial())[0]
    assert kinds(row) == ["waiting", "loading", "answering"]
    assert row.total("loading") == pytest.approx(0.396, abs=1e-3)


def test_a_variant_that_waits_is_ready_when_the_others_load_has_completed():
    row = variant_rows(guarded_trial())[1]
    assert kinds(row) == ["waiting", "answering"]
    assert row.spans[0].end == pytest.approx(0.4)


def test_while_the_load_goes_on_one_row_loads_and_the_others_wait():
    rows = variant_rows(guarded_trial(until=0.2))
    assert [row.state for row in rows] == ["loading", "waiting", "waiting", "waiting", "waiting"]
    assert all(row.spans[-1].end is None for row in rows)


def test_between_load_and_answer_a_row_is_ready():
    rows = variant_rows(guarded_trial(until=0.49))
    assert [row.state for row in rows] == ["answered", "ready", "ready", "ready", "ready"]


def test_a_failed_variant_names_its_error():
    row = variant_rows(broken_trial())[0]
    assert row.state == "failed"
    assert row.words == "✕ MetaTensorError"


def test_before_the_release_every_row_is_planned():
    trial = replace(
        guarded_trial(2), released_at=None, ended_at=None, events=(),
        variants=(Variant("job-1", "job-1.variant-1"), Variant("job-1", "job-1.variant-2")),
    )  # fmt: skip
    assert [row.state for row in variant_rows(trial)] == ["planned", "planned"]


def test_a_variant_that_found_the_model_ready_only_answers():
    variant = Variant("job-1", "v", "answered", sent=ZERO, answered=ZERO + 0.1, infer_ms=100.0)
    trial = TrialRecord(1, "trial", "on", "s", started_at=ZERO, released_at=ZERO, variants=(variant,))
    assert kinds(variant_rows(trial)[0]) == ["answering"]


def test_a_variant_that_came_after_the_load_waited_for_nothing_but_its_turn():
    trial = guarded_trial()
    late = replace(trial.variants[0], variant_id="late", sent=ZERO + 1, answered=ZERO + 30, infer_ms=80.0)
    row = variant_rows(replace(trial, variants=(late,)))[0]
    assert [(span.kind, span.start) for span in row.spans] == [("answering", 1.0)]


def test_a_variant_of_a_service_that_tells_nothing_is_one_stretch():
    variant = Variant("job-1", "v", "answered", sent=ZERO, answered=ZERO + 2)
    trial = TrialRecord(1, "trial", "on", "s", started_at=ZERO, released_at=ZERO, variants=(variant,))
    assert [(span.kind, span.end) for span in variant_rows(trial)[0].spans] == [("waiting", 2.0)]


def test_an_event_stamped_before_the_request_draws_nothing_before_it():
    variant = Variant("job-1", "v", "sent", sent=ZERO + 0.01)
    trial = TrialRecord(
        1, "trial", "on", "s", started_at=ZERO, released_at=ZERO, variants=(variant,),
        events=(event("requested", 0.0, "v"), event("started", 0.001, "v", load=1)),
    )  # fmt: skip
    assert all(span.start >= 0.01 for span in variant_rows(trial)[0].spans)


def test_a_variant_without_an_answer_in_an_ended_trial_was_never_answered():
    trial = replace(guarded_trial(2, until=0.2), ended_at=ZERO + 1)
    rows = variant_rows(trial)
    assert {row.words for row in rows} == {"never answered"}
    assert {row.spans[-1].end for row in rows} == {1.0}


# ------------------------------------------------------------------ the view


@pytest.mark.parametrize("make", [green_run, red_run, running_run, unproven_run])
def test_every_view_is_plain_json(make):
    view = board_view(make(), now=ZERO)
    assert json.loads(json.dumps(view)) == view


def test_a_green_run_says_so_in_words():
    banner = board_view(green_run(), now=ZERO)["banner"]
    assert (banner["tone"], banner["icon"], banner["headline"]) == ("green", "✓", "Loaded exactly once")


def test_two_models_may_be_loaded_once_each():
    record = green_run()
    trial = record.trials[0]
    second = replace(next(found for found in trial.events if found.kind == "started"), model="demo#2")
    both = (*trial.events, second)
    counts = replace(record.verdict.counts, load_started=2, load_completed=2, unique_models=2)
    verdict = replace(record.verdict, counts=counts)
    record = replace(record, verdict=verdict, trials=(replace(trial, events=both, verdict=verdict),))
    shown = board_view(record, now=ZERO)["figures"][0]
    assert (shown["tone"], shown["target"]) == ("good", "2 is right: one for each model")


def test_starts_of_an_unknown_worker_make_no_second_load_right():
    record = green_run()
    trial = record.trials[0]
    strange = replace(next(e for e in trial.events if e.kind == "started"), boot="strange")
    counts = replace(record.verdict.counts, load_started=2)
    verdict = replace(record.verdict, counts=counts)
    record = replace(
        record, verdict=verdict, trials=(replace(trial, events=(*trial.events, strange), verdict=verdict),)
    )
    assert figures(record)["starts"] == ("2", "bad")


def test_how_many_met_is_not_known_where_no_load_was_completed():
    record = red_run()
    counts = replace(record.verdict.counts, load_completed=0, contended=0)
    record = replace(record, verdict=replace(record.verdict, counts=counts))
    assert board_view(record, now=ZERO)["measures"][1] == [
        "In flight during the load", "–", "not known: no load was completed"
    ]  # fmt: skip


def test_the_names_of_several_jobs_differ_in_their_first_ten_letters():
    record = replace(running_run(), trials=(), settings=RunSettings(jobs=2, variants_per_job=11))
    names = [row["name"] for row in board_view(record, now=ZERO)["rows"]]
    assert (names[0], names[-1]) == ("job 1 · 1", "job 2 · 11")
    assert len({name[:10] for name in names}) == 22


def test_a_red_run_names_the_loads_and_the_right_number():
    banner = board_view(red_run(), now=ZERO)["banner"]
    assert banner["headline"] == "Loaded more than once: 5 loads, 1 is right"


def test_an_unproven_run_says_what_is_missing():
    banner = board_view(unproven_run(), now=ZERO)["banner"]
    assert banner["headline"] == "No proof either way: with the guard off it did not fail either"


def test_a_red_run_comes_with_a_cause_and_a_cure():
    finding = board_view(red_run(), now=ZERO)["findings"][0]
    assert finding["cause"]
    assert finding["cure"]


def test_a_green_run_has_nothing_to_diagnose():
    assert board_view(green_run(), now=ZERO)["findings"] == []


def test_a_run_without_a_trial_shows_its_planned_variants():
    view = board_view(RunRecord("r", RunSettings(jobs=2, variants_per_job=3), "local", ZERO), now=ZERO)
    assert [row["name"] for row in view["rows"]][:4] == [
        "job 1 · 1", "job 1 · 2", "job 1 · 3", "job 2 · 1",
    ]  # fmt: skip
    assert {row["state"] for row in view["rows"]} == {"planned"}


def test_a_figure_goes_red_while_the_run_still_goes_on():
    trial = replace(broken_trial(), ended_at=None, verdict=None)
    assert figures(replace(running_run(), trials=(trial,)))["starts"] == ("5", "bad")


def test_a_figure_that_may_still_come_right_is_open():
    assert figures(running_run())["completions"] == ("0", "open")


def test_a_figure_that_can_no_longer_come_right_is_bad():
    record = replace(running_run(), status="aborted", finished_at=ZERO + 1)
    assert figures(record)["completions"] == ("0", "bad")


def test_a_figure_without_a_source_is_not_judged():
    verdict = replace(green_run().verdict, counts=Counts(1, 1, unique_models=None))
    assert figures(replace(green_run(), verdict=verdict))["models"] == ("–", "none")


def test_the_right_number_is_one_for_each_worker():
    verdict = replace(green_run().verdict, counts=Counts(2, 2, unique_models=2, workers=2))
    assert figures(replace(green_run(), verdict=verdict))["starts"] == ("2", "good")


def test_the_stepper_stands_at_the_current_step():
    states = step_states(running_run())
    assert states["release"] == "done"
    assert states["settle"] == "current"
    assert states["verdict"] == "todo"


def test_the_stepper_shows_the_control_while_it_is_made():
    control = replace(broken_trial(role="control"), verdict=None, ended_at=None)
    record = replace(running_run(), step="alive", trials=(guarded_trial(), control))
    assert step_states(record)["control"] == "current"


def test_the_stepper_does_not_go_back_when_a_trial_is_judged_before_the_control():
    assert step_states(replace(running_run(), step="verdict"))["verdict"] == "todo"


def test_a_control_that_was_not_made_is_left_out():
    record = replace(red_run(), settings=RunSettings(variants_per_job=5))
    assert step_states(record)["control"] == "skipped"


def test_an_aborted_run_stops_where_it_was():
    assert step_states(replace(running_run(), status="aborted"))["settle"] == "stopped"


def test_trials_to_come_have_their_place_from_the_start():
    record = replace(running_run(), settings=RunSettings(variants_per_job=5, repeat=3))
    trials = board_view(record, now=ZERO)["trials"]
    assert [(trial["label"], trial["tone"]) for trial in trials] == [
        ("1", "running"), ("2", "planned"), ("3", "planned"), ("Control", "planned"),
    ]  # fmt: skip


def test_a_chosen_trial_is_shown_with_its_own_verdict():
    view = board_view(green_run(), 2, now=ZERO)
    assert view["trial"] == 2
    assert view["banner"]["headline"].startswith("Control, guard off: Loaded more than once")


def test_a_place_that_does_not_exist_shows_the_trial_that_decides():
    assert board_view(green_run(), 9, now=ZERO)["trial"] == 1


@pytest.mark.parametrize(
    ("record", "heading"),
    [
        (green_run(), "Red in 1 of 1"),
        (unproven_run(), "Not red in 3 tries"),
        (running_run(), "Still to come"),
        (red_run(), "Not needed"),
        (replace(red_run(), settings=RunSettings()), "Not needed"),
        (replace(running_run(), settings=RunSettings(control=False)), "Left out"),
        (replace(running_run(), status="aborted"), "Not reached"),
        (replace(green_run(), control=Control("red", "off", 3, 2, Counts())), "Red in 2 of 3"),
    ],
)
def test_the_control_is_told_in_words(record, heading):
    assert board_view(record, now=ZERO)["control"]["heading"] == heading


def test_latencies_are_shown_as_soon_as_there_is_an_answer():
    view = board_view(replace(running_run(), trials=(guarded_trial(until=0.49),)), now=ZERO)
    assert view["latency"][0] == ["p50", "0.48 s"]


def test_what_failed_variants_were_told_is_counted():
    assert board_view(red_run(), now=ZERO)["errors"] == [
        "4 × HTTP 503: MetaTensorError: the model has tensors without data"
    ]


def test_what_was_not_checked_is_a_sentence():
    verdict = replace(green_run().verdict, not_checked=("memory", "something else"))
    view = board_view(replace(green_run(), verdict=verdict), now=ZERO)
    assert view["not_checked"] == ["How many models lie in the worker's memory.", "something else"]


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        ("failed", "The run could not be made"),
        ("interrupted", "The console ended in the middle of this run"),
        ("finished", "Ended without a verdict"),
    ],
)
def test_an_end_without_a_verdict_is_said(status, headline):
    record = replace(running_run(), status=status, verdict=None)
    assert board_view(record, now=ZERO)["banner"]["headline"] == headline


def test_a_thousand_variants_make_a_view_below_a_quarter_megabyte():
    assert len(json.dumps(board_view(green_run(1000), now=ZERO))) < 250_000
