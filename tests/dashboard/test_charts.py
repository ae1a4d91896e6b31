"""The timeline of a trial as a figure: lanes, bars, bins, and what a window of it shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dashboard.bins import Window, moments
from dashboard.charts import timeline_figure, whole_window
from dashboard.evidence import WorkerEnd
from tests.dashboard.records import ZERO, broken_trial, event, green_run, guarded_trial


def lanes(figure, axis="yaxis"):
    return list(figure.layout[axis].categoryarray)[::-1]


def trace(figure, name):
    return next(each for each in figure.data if each.name == name)


def names(figure):
    return [each.name for each in figure.data]


def crowd_of(figure):
    return [each for each in figure.data if each.type == "scatter" and each.stackgroup]


def points(figure):
    return sum(len(each.y) for each in figure.data)


def crowded(count=100_000):
    """A thousand variants and a hundred thousand load events."""
    trial = guarded_trial(1000)
    ids = [variant.variant_id for variant in trial.variants]
    more = [event("progress", 0.005 + 0.39 * n / count, ids[0], load=1, line=n) for n in range(count)]
    return replace(trial, events=(*trial.events, *more))


def test_a_few_variants_have_a_lane_each_below_the_loads_and_those_who_waited():
    figure = timeline_figure(guarded_trial(3))
    assert lanes(figure) == ["Waits", "Load 1"]
    assert lanes(figure, "yaxis3") == ["variant-1", "variant-2", "variant-3"]
    assert figure.layout.yaxis3.domain[1] < figure.layout.yaxis.domain[0]


def test_variants_of_several_jobs_are_named_with_their_job():
    trial = guarded_trial(2)
    other = replace(trial.variants[1], job_id="job-2", variant_id="job-2.variant-1")
    figure = timeline_figure(replace(trial, variants=(trial.variants[0], other)))
    assert lanes(figure, "yaxis3") == ["job-1 · 1", "job-2 · 1"]


def test_who_waits_is_told_whose_load_it_is():
    words = [words for _, words in trace(timeline_figure(guarded_trial(2)), "Waits").customdata]
    assert words == ["job-1.variant-2 waits for the load of job-1.variant-1"]


def test_a_load_is_a_bar_from_its_start_to_its_end():
    bar = trace(timeline_figure(guarded_trial()), "loads")
    assert bar.base[0] == 0.004
    assert bar.x[0] == 0.396


def test_a_load_tells_on_its_own_bar_how_far_it_was():
    trial = guarded_trial(2)
    events = [
        replace(each, fields={"done": "40", "total": "113", "unit": "tensors"})
        if each.kind == "progress"
        else each
        for each in trial.events
    ]
    ticks = trace(timeline_figure(replace(trial, events=tuple(events))), "Load 1")
    assert {words for _, words in ticks.customdata} == {"40 of 113 tensors"}


def test_loads_that_overlap_are_red_and_have_a_pattern():
    bar = trace(timeline_figure(broken_trial(2)), "loads")
    assert list(bar.marker.pattern.shape) == ["x", "x"]
    assert len(set(bar.marker.color)) == 1
    assert "overlaps another load" in bar.customdata[1][1]


def test_a_load_of_its_own_is_plain():
    bar = trace(timeline_figure(guarded_trial()), "loads")
    assert list(bar.marker.pattern.shape) == [""]


def test_a_load_without_an_end_reaches_to_the_last_event():
    bar = trace(timeline_figure(guarded_trial(until=0.21)), "loads")
    assert round(bar.base[0] + bar.x[0], 4) == 0.2
    assert "no end seen" in bar.customdata[0][1]


def test_errors_have_lanes_of_their_own():
    assert {"Failed", "Meta tensor error"} <= set(lanes(timeline_figure(broken_trial())))


def test_a_thousand_loads_share_lanes():
    assert len(lanes(timeline_figure(broken_trial(1000)))) < 20


def test_many_variants_are_a_crowd_of_which_nobody_is_missing():
    figure = timeline_figure(guarded_trial(1000))
    crowd = crowd_of(figure)
    assert [each.name for each in crowd] == [
        "Waited for the load",
        "Loaded itself",
        "Answered",
        "Answer is there",
    ]
    sums = [sum(column) for column in zip(*(each.y for each in crowd), strict=True)]
    assert max(sums) == 1000
    assert sums[-1] == 1000


def test_zooming_in_tells_the_variants_of_a_crowd_apart():
    figure = timeline_figure(guarded_trial(1000), Window(1.0, 1.2))
    assert lanes(figure, "yaxis3") == [f"variant-{number}" for number in range(27, 38)]
    assert not crowd_of(figure)


def test_a_zoom_moves_nothing_else_on_the_page():
    trial = guarded_trial(1000)
    heights = {
        timeline_figure(trial, window).layout.height for window in (None, Window(1.0, 1.2), Window(0, 9))
    }
    assert len(heights) == 1


@pytest.mark.parametrize("window", [None, Window(0.1, 0.2), Window(0.1, 0.1004)])
@pytest.mark.parametrize("make", [crowded, lambda: broken_trial(1000)], ids=["events", "loads"])
def test_a_hundred_thousand_events_are_drawn_with_a_thousand_points_and_less_than_20_kb(make, window):
    log = moments(ZERO + 0.00001 * n for n in range(100_000))
    figure = timeline_figure(make(), window, log)
    assert 0 < points(figure) <= 1000
    document = json.loads(figure.to_json())
    document["layout"].pop("template")
    assert len(json.dumps(document)) < 20_000


def test_a_mark_that_stands_for_many_says_how_many():
    assert any("×" in words for _, words in trace(timeline_figure(guarded_trial(1000)), "Asked").customdata)


def test_a_mark_knows_its_line_of_the_log():
    lines = [line for line, _ in trace(timeline_figure(guarded_trial(3)), "Waits").customdata]
    assert lines == [each.line for each in guarded_trial(3).events if each.kind == "waiting"]


def test_a_mark_that_no_line_showed_leads_nowhere():
    trial = guarded_trial(2)
    told = tuple(replace(each, line=-1) for each in trial.events)
    assert trace(timeline_figure(replace(trial, events=told)), "Waits").customdata[0][0] is None


def test_the_lines_of_the_log_are_counted_over_time():
    figure = timeline_figure(guarded_trial(3), None, moments([ZERO + 0.1, ZERO + 0.1001, ZERO + 0.3]))
    assert sum(trace(figure, "Log lines").y) == 3
    assert max(trace(figure, "Log lines").y) == 2


def test_the_end_of_a_worker_is_a_line_from_top_to_bottom():
    figure = timeline_figure(replace(guarded_trial(3), ends=(WorkerEnd("trial-1", ZERO + 0.25, -9),)))
    assert [(shape.x0, shape.yref) for shape in figure.layout.shapes] == [(0.25, "paper")]
    assert [note.text for note in figure.layout.annotations] == ["worker ended"]


def test_a_trial_in_which_nothing_has_happened_says_so():
    figure = timeline_figure(replace(guarded_trial(2), events=(), variants=()))
    assert len(figure.data) == 0
    assert figure.layout.annotations[0].text == "Nothing has happened yet"


def test_the_axis_shows_all_of_it_whatever_is_looked_at():
    trial = green_run().trials[0]
    whole = whole_window(trial)
    assert list(timeline_figure(trial, Window(0.1, 0.2)).layout.xaxis.range) == [whole.begin, whole.end]


def test_new_data_never_undoes_the_zoom():
    first, second = timeline_figure(guarded_trial(until=0.2)), timeline_figure(guarded_trial())
    assert first.layout.uirevision == second.layout.uirevision
