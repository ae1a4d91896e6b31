from __future__ import annotations

from dataclasses import replace

from dashboard.charts import latency_figure, timeline_figure
from tests.dashboard.records import broken_trial, guarded_trial


def lanes(figure):
    return list(figure.layout.yaxis.categoryarray)[::-1]


def trace(figure, name):
    return next(each for each in figure.data if each.name == name)


def test_the_timeline_has_a_lane_for_each_load_between_the_asking_and_the_answers():
    assert lanes(timeline_figure(guarded_trial())) == ["Asked", "Waits", "Load 1", "Answers"]


def test_a_load_is_a_bar_from_its_start_to_its_end():
    bar = trace(timeline_figure(guarded_trial()), "loads")
    assert bar.base[0] == 0.004
    assert bar.x[0] == 0.396


def test_a_failed_load_has_a_pattern_as_well_as_a_colour():
    bar = trace(timeline_figure(broken_trial(2)), "loads")
    assert list(bar.marker.pattern.shape) == ["x", ""]


def test_a_load_without_an_end_reaches_to_the_last_event():
    bar = trace(timeline_figure(guarded_trial(until=0.21)), "loads")
    assert round(bar.base[0] + bar.x[0], 4) == 0.2
    assert "no end seen" in bar.customdata[0]


def test_errors_have_lanes_of_their_own():
    assert {"Failed", "Meta tensor error"} <= set(lanes(timeline_figure(broken_trial())))


def test_a_thousand_loads_share_lanes():
    assert len(lanes(timeline_figure(broken_trial(1000)))) < 35


def test_a_thousand_variants_are_drawn_with_about_a_thousand_points():
    figure = timeline_figure(guarded_trial(1000))
    assert sum(len(each.x) for each in figure.data) <= 1000


def test_a_mark_that_stands_for_many_says_how_many():
    assert any(
        "at this moment" in words for words in trace(timeline_figure(guarded_trial(1000)), "Asked").customdata
    )


def test_an_empty_trial_makes_an_empty_timeline():
    figure = timeline_figure(replace(guarded_trial(2), events=(), variants=()))
    assert len(figure.data) == 0


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


def test_new_data_never_undoes_the_zoom():
    first, second = timeline_figure(guarded_trial(until=0.2)), timeline_figure(guarded_trial())
    assert first.layout.uirevision == second.layout.uirevision
