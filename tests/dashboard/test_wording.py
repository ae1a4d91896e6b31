from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.evidence import Control, Counts, Reason, Verdict
from dashboard.settings import RunSettings
from dashboard.wording import control_words, headline, lead, running_headline, seconds, settings_title
from tests.dashboard.records import green_run, red_run, running_run


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0004, "0.4 ms"),
        (0.038, "38 ms"),
        (0.0996, "0.10 s"),
        (0.84, "0.84 s"),
        (9.996, "10.0 s"),
        (12.34, "12.3 s"),
        (125, "2 min 5 s"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_people_use(value, words):
    assert seconds(value) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(4, 1), "Loaded more than once: 4 loads, 1 is right"),
        (Counts(1, 2), "Loaded more than once: 2 loads, 1 is right"),
        (Counts(1, 0, meta_tensor_errors=1), "The load broke: 1 meta tensor error, 0 is right"),
        (Counts(1, 1, unique_models=2), "More than one model: 2 models in use, 1 is right"),
        (Counts(1, 0, load_failed=1), "The load failed, and no model came out of it"),
        (Counts(2, 2, workers=2), "Not loaded exactly once"),
    ],
)
def test_a_red_headline_names_what_went_wrong(counts, words):
    verdict = Verdict("red", (), counts)
    assert headline(replace(red_run(), verdict=verdict), verdict) == words


def test_two_models_that_broke_each_other_were_not_loaded_more_than_once():
    broke = (Reason("meta_tensor_error", "…"),)
    verdict = Verdict("red", broke, Counts(2, 0, meta_tensor_errors=2))
    assert headline(replace(red_run(), verdict=verdict), verdict) == (
        "The load broke: 2 meta tensor errors, 0 is right"
    )


def test_a_doubt_that_has_no_words_yet_points_to_the_reasons():
    verdict = Verdict("inconclusive", (Reason("brand_new", "…"),), Counts())
    assert headline(green_run(), verdict) == "No proof either way: see the reasons"


def test_a_red_that_was_asked_for_says_so():
    record = red_run()
    assert lead(record, record.verdict).endswith("in this run it was set to “off”.")


def test_repeats_are_counted_in_the_lead():
    trial = green_run().trials[0]
    record = replace(green_run(), settings=RunSettings(variants_per_job=5, repeat=50), trials=(trial,) * 12)
    assert lead(record, record.verdict).startswith("12 times: 5 variants")


def test_repeats_that_were_asked_for_and_never_made_are_not_counted():
    record = replace(green_run(), settings=RunSettings(variants_per_job=5, repeat=50))
    assert lead(record, record.verdict).startswith("5 variants asked")


@pytest.mark.parametrize(
    ("trials", "words"), [(1, "The run broke off"), (0, "The run could not be made")], ids=["some", "none"]
)
def test_a_failed_run_says_whether_any_trial_was_made(trials, words):
    unproven = Verdict("inconclusive", (Reason("aborted", "…"),), Counts())
    record = replace(green_run(), status="failed", trials=green_run().trials[:trials], verdict=unproven)
    assert headline(record, unproven) == words


def test_a_control_that_ended_for_another_reason_is_not_said_to_have_gone_well():
    died = Reason("worker_died", "The worker died (signal 9) while load 1 was under way.")
    record = replace(green_run(), control=Control("inconclusive", "off", 3, 0, Counts(1), (died,)))
    heading, words = control_words(record)
    assert heading == "Not red in 3 tries"
    assert died.text in words
    assert "did not fail" not in words


def test_a_title_tells_jobs_guard_and_repeats():
    assert settings_title(RunSettings(jobs=2, variants_per_job=4, guard="off", repeat=3)) == (
        "2 jobs × 4 variants, guard off, 3 times"
    )


def test_a_title_names_the_less_common_modes_in_words():
    assert settings_title(RunSettings(guard="per-model")) == "3 variants, guard: a lock for each model"


def test_a_step_is_told_with_the_number_of_variants():
    assert (
        running_headline(replace(running_run(), step="release")) == "Releasing 5 variants at the same instant"
    )


def test_a_warm_run_says_why_it_is_inconclusive_by_itself():
    verdict = Verdict("inconclusive", (Reason("no_load", "No load was seen."),), Counts())
    cold = replace(green_run(), verdict=verdict)
    warm = replace(cold, settings=RunSettings(warm=True, control=False))
    assert headline(warm, verdict).startswith("A warm run: nothing was loaded")
    assert headline(cold, verdict) == "No proof either way: no load was seen"
