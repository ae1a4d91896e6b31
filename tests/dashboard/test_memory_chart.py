"""The memory below the load events: its samples, and a line and a sign for each model that was added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dashboard.charts import timeline_figure
from dashboard.memory import Memory, MemorySample, Yardstick
from dashboard.memory_chart import memory_figure
from dashboard.record import TrialRecord
from tests.dashboard.records import ZERO, guarded_trial

MB = 1_000_000


def weighed(*held: int, model: int = 400) -> TrialRecord:
    samples = tuple(MemorySample(ZERO - 0.1 + 0.5 * n, pss=each * MB) for n, each in enumerate(held))
    memory = Memory(samples, Yardstick({"cpu": model * MB}, held[0] * MB), settled=True)
    trial: TrialRecord = guarded_trial(3)  # type: ignore[no-untyped-call]
    return replace(trial, memory=memory)


def notes(figure: Any) -> list[str]:
    return [each.text for each in figure.layout.annotations]


def test_the_memory_is_drawn_below_the_load_events_on_their_axis_of_time() -> None:
    bare = timeline_figure(replace(weighed(250, 655), memory=None))
    figure = timeline_figure(weighed(250, 400, 655))
    (memory,) = [trace for trace in figure.data if trace.name == "Memory"]
    assert (list(memory.x), list(memory.y), memory.yaxis) == ([-0.1, 0.4, 0.9], [250, 400, 655], "y2")
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
    assert figure.layout.height > bare.layout.height
    assert "yaxis2" not in bare.to_plotly_json()["layout"]


def test_each_model_that_was_added_has_a_line_and_a_sign() -> None:
    figure = memory_figure(weighed(250, 655, 1055), ZERO)
    assert notes(figure) == ["before", "1 model", "2 models"]
    assert [shape.y0 for shape in figure.layout.shapes] == [250, 650, 1050]
    (signs,) = [trace for trace in figure.data if trace.name == "One model more"]
    assert (list(signs.x), list(signs.y)) == ([0.4, 0.9], [650, 1050])


def test_a_peak_has_no_sign() -> None:
    figure = memory_figure(weighed(250, 1055, 655), ZERO)
    assert notes(figure) == ["before", "1 model"]


def test_a_memory_that_shows_no_models_has_no_figure_but_its_line_on_the_timeline() -> None:
    small = weighed(250, 270, model=27)
    assert memory_figure(small, ZERO) is None
    names = [trace.name for trace in timeline_figure(small).data]
    assert "Memory" in names
    assert "One model more" not in names


def test_without_a_measure_there_is_nothing() -> None:
    assert memory_figure(None, ZERO) is None
    assert memory_figure(replace(weighed(250, 655), memory=None), ZERO) is None
