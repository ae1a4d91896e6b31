"""The latencies on the run page: their views, and another run below them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.live_access import LiveTokens
from dashboard.store import Store
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import green_run, red_run

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
GREEN, RED = green_run(), red_run()  # type: ignore[no-untyped-call]


@pytest.fixture
def run_page(store: Store) -> Iterator[Callable[..., AppTest]]:
    before = session.install(None)
    for record in (GREEN, RED):
        store.save(record)
    parts: Any = (RecordedRunner(), store, LiveTokens(), RecordedShelf())  # type: ignore[no-untyped-call]
    session.install(session.Console(*parts))

    def begin(**address: str) -> AppTest:
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        tab.switch_page("app_pages/run.py")
        tab.query_params.update({"run": GREEN.run_id} | address)
        tab.run()
        assert not tab.exception
        return tab

    yield begin
    session.install(before)


def traces(tab: AppTest) -> list[dict[str, Any]]:
    protos = [each.proto for each in tab.get("bidi_component")]  # type: ignore[attr-defined]  # of the element
    (chart,) = [proto for proto in protos if proto.component_name == "loadonce.live_chart"]
    found: list[dict[str, Any]] = json.loads(chart.json)["figure"]["data"]
    return found


def test_a_histogram_is_chosen_and_stands_in_the_address(run_page: Callable[..., AppTest]) -> None:
    tab = run_page()
    tab.segmented_control(key="latency_view").set_value("histogram").run()
    assert [each["name"] for each in traces(tab)] == ["Loaded it themselves", "Waited for the load"]
    assert tab.query_params["latency"] in ("histogram", ["histogram"])


def test_an_address_restores_two_runs_over_each_other(run_page: Callable[..., AppTest]) -> None:
    tab = run_page(latency="answered", over=RED.run_id)
    assert [each["name"] for each in traces(tab)] == ["Other run, 1", "This run, 5"]
    assert list(tab.dataframe[-1].value["Answers"]) == [1, 5]


def test_another_run_that_is_not_there_is_told_and_this_one_is_drawn(
    run_page: Callable[..., AppTest],
) -> None:
    tab = run_page(latency="answered", over="20200101-000000-gone")
    assert "Run 20200101-000000-gone is not in this console’s history." in tab.info[0].value
    assert len(traces(tab)) == 2


def test_an_unknown_view_is_each_variant(run_page: Callable[..., AppTest]) -> None:
    assert "Answered" in [each["name"] for each in traces(run_page(latency="nonsense"))]
