"""Latencies as figures, and told apart by what each variant did for its model."""

from __future__ import annotations

from dataclasses import replace

from dashboard.latencies import (
    Sample,
    got_by_id,
    latency_rows,
    latency_words,
    sample_of_run,
    samples_of_trial,
)
from dashboard.latency_charts import answered_figure, histogram_figure, latency_figure
from tests.dashboard.records import ZERO, broken_trial, green_run, guarded_trial


def trace(figure, name):
    return next(each for each in figure.data if each.name == name)


def late(trial, sent):
    """The last variant of a trial, sent when the model was there."""
    last = replace(
        trial.variants[-1], variant_id="job-1.variant-late", sent=ZERO + sent, answered=ZERO + sent + 0.1
    )
    return replace(trial, variants=(*trial.variants, last))


# ------------------------------------------------------------------ variant by variant


def test_a_latency_is_stacked_by_what_it_was_spent_on():
    figure = latency_figure(guarded_trial())
    assert [each.name for each in figure.data if each.type == "bar"] == [
        "Waited for the load", "Loaded itself", "Answered",
    ]  # fmt: skip


def test_the_parts_of_a_latency_add_up():
    figure = latency_figure(guarded_trial(3))
    whole = [sum(each.y[place] for each in figure.data) for place in range(3)]
    assert [round(value, 3) for value in whole] == [0.48, 0.5, 0.52]


def test_percentiles_count_the_answered_variants_only():
    texts = " ".join(note.text for note in latency_figure(broken_trial()).layout.annotations)
    assert texts == "p99 0.60 s<br>p95 0.60 s<br>p50 0.60 s"


def test_failed_variants_stand_apart_with_a_pattern():
    bar = trace(latency_figure(broken_trial()), "Failed after")
    assert bar.marker.pattern.shape == "x"
    assert [value > 0 for value in bar.y] == [False, True, True, True, True]


def test_above_two_hundred_variants_bars_stand_for_groups():
    figure = latency_figure(guarded_trial(500))
    assert len(figure.data[0].x) == 60


def test_without_an_answer_the_chart_says_so():
    assert latency_figure(guarded_trial(until=0.2)).layout.annotations[0].text == "No answer yet"


def test_without_a_trial_the_chart_keeps_its_place():
    assert latency_figure(None).layout.height == latency_figure(guarded_trial()).layout.height


# ------------------------------------------------------------------ who did what for the model


def test_who_loaded_who_waited_and_who_found_it_loaded_are_told_apart():
    found = got_by_id(late(guarded_trial(3), 1.0))
    assert list(found.values()) == ["loaded", "waited", "waited", "reused"]


def test_a_variant_that_was_sent_before_the_load_ended_has_waited():
    assert got_by_id(late(guarded_trial(3), 0.39))["job-1.variant-late"] == "waited"


def test_without_a_log_the_worker_s_own_word_counts_and_without_that_nobody_knows():
    trial = replace(guarded_trial(3), events=())
    told = [replace(each, waited_ms=ms) for each, ms in zip(trial.variants, (300.0, 0.02, None), strict=True)]
    found = got_by_id(replace(trial, variants=tuple(told)))
    assert list(found.values()) == ["waited", "reused", "untold"]


def test_the_samples_of_a_trial_hold_each_answer_once():
    samples = samples_of_trial(late(guarded_trial(3), 1.0))
    assert [(each.got, len(each.seconds)) for each in samples] == [
        ("loaded", 1),
        ("waited", 2),
        ("reused", 1),
    ]
    assert all(list(each.seconds) == sorted(each.seconds) for each in samples)


def test_failed_variants_are_in_no_sample():
    assert sum(len(each.seconds) for each in samples_of_trial(broken_trial())) == 1


def test_the_table_has_a_row_for_each_sample_and_one_for_all():
    rows = latency_rows(samples_of_trial(guarded_trial(3)))
    assert [list(row.values()) for row in rows] == [
        ["Loaded it themselves", 1, "0.48 s", "0.48 s", "0.48 s", "0.48 s"],
        ["Waited for the load", 2, "0.50 s", "0.52 s", "0.52 s", "0.52 s"],
        ["All answers", 3, "0.50 s", "0.52 s", "0.52 s", "0.52 s"],
    ]


def test_two_runs_are_not_added_up():
    rows = latency_rows([sample_of_run(green_run(3), "Other run"), sample_of_run(green_run(5), "This run")])
    assert [row["Answers"] for row in rows] == [3, 5]


def test_what_a_chart_shows_is_told_in_words():
    words = latency_words([Sample("This run", (0.1, 0.2, 0.4))])
    assert words == "This run: 3 answers, half of them within 0.20 s, the slowest after 0.40 s."
    assert latency_words([Sample("This run", ())]) == "No answer yet."


# ------------------------------------------------------------------ histogram and shares


def test_a_histogram_counts_every_answer_once_in_the_bin_of_its_seconds():
    figure = histogram_figure(
        [Sample("Waited", (0.1, 0.1, 0.2), "waited"), Sample("Found", (0.5,), "reused")]
    )
    assert [sum(each.y) for each in figure.data] == [3, 1]
    waited = trace(figure, "Waited")
    assert waited.y[0] == 2
    assert abs(waited.x0 - 0.1) < waited.dx
    assert figure.layout.barmode == "stack"


def test_parts_of_a_histogram_are_told_apart_without_colours():
    figure = histogram_figure(samples_of_trial(late(guarded_trial(3), 1.0)))
    assert len({each.marker.pattern.shape for each in figure.data}) == len(figure.data) == 3


def test_answers_that_all_took_equally_long_have_a_histogram():
    assert sum(histogram_figure([Sample("Waited", (0.2, 0.2), "waited")]).data[0].y) == 2


def test_two_runs_lie_over_each_other_as_shares_of_each():
    figure = histogram_figure([Sample("Other run", (0.1,) * 10), Sample("This run", (0.1, 0.3))])
    assert [round(sum(each.y), 3) for each in figure.data] == [1, 1]
    assert len({each.line.dash for each in figure.data}) == 2


def test_the_share_that_was_answered_ends_at_all_of_them():
    figure = answered_figure([Sample("This run", (0.1, 0.2, 0.4))])
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([0.1, 0.2, 0.4], [0.3333, 0.6667, 1.0])


def test_without_an_answer_both_say_so():
    for figure in (histogram_figure([]), answered_figure([Sample("This run", ())])):
        assert figure.layout.annotations[0].text == "No answers"


def test_a_few_answers_are_counted_one_by_one_on_the_axis():
    assert histogram_figure(samples_of_trial(guarded_trial(3))).layout.yaxis.dtick == 1
    assert histogram_figure(samples_of_trial(guarded_trial(900))).layout.yaxis.dtick is None
