"""What containers use, on the pages that show it: Targets, and the run while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.gauges import Gauge
from dashboard.live_access import LiveTokens
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.usage import Usage
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import green_run

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
MIB = 1024 * 1024
USED = Usage(1.0, 1.5, 2.0, 512 * MIB, 2048 * MIB, 7)
YH = ContainerFacts("1", "yh", "image", "sha256:1", "running", memory_limit=2048 * MIB)

Open = Callable[..., AppTest]


class RecordedGauges:
    """Readings as they were."""

    def __init__(self, **gauges: Gauge) -> None:
        self._gauges = gauges

    def look(self, containers: object) -> Mapping[str, Gauge]:
        return self._gauges

    def close(self) -> None:
        pass


@pytest.fixture
def open_page(store: Store) -> Iterator[Open]:
    before = session.install(None)

    def begin(page: str, record: RunRecord = green_run(), **gauges: Gauge) -> AppTest:  # type: ignore[no-untyped-call] # noqa: B008
        shelf = RecordedShelf(YH)
        console = session.Console(
            RecordedRunner(record),  # type: ignore[no-untyped-call,arg-type]
            store,
            LiveTokens(),
            containers=shelf,  # type: ignore[arg-type]
            gauges=RecordedGauges(**gauges),  # type: ignore[arg-type]
        )
        session.install(console)
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        tab.switch_page(f"app_pages/{page}.py")
        tab.query_params["run"] = record.run_id
        tab.run()
        assert not tab.exception
        return tab

    yield begin
    session.install(before)


def bars(tab: AppTest) -> list[tuple[int, str]]:
    return [(element.proto.value, element.proto.text) for element in tab.get("progress")]


def words(tab: AppTest) -> str:
    return " ".join(element.value for element in (*tab.markdown, *tab.header, *tab.subheader))


def test_a_running_container_has_a_bar_and_words_for_each(open_page: Open) -> None:
    tab = open_page("targets", yh=Gauge(USED))
    assert bars(tab) == [
        (75, "CPU: 150 % of a core, 75 % of 2 cores"),
        (25, "Memory: 512 MiB, 25 % of its 2.0 GiB"),
    ]
    assert "7 processes and threads" in words(tab)


def test_an_engine_that_refuses_leaves_the_page_usable(open_page: Open) -> None:
    tab = open_page("targets", yh=Gauge(problem="The use of yh was asked for: the engine said no."))
    assert "the engine said no" in words(tab)
    assert list(tab.dataframe[0].value["Name"]) == ["yh"]


def test_without_a_running_container_nothing_is_said_of_use(open_page: Open) -> None:
    assert "In use now" not in words(open_page("targets"))


@pytest.mark.parametrize("running", [True, False])
def test_a_run_at_a_container_shows_its_memory_live_and_afterwards(open_page: Open, *, running: bool) -> None:
    run = green_run()  # type: ignore[no-untyped-call]
    trial = replace(run.trials[0], usage=(USED, replace(USED, memory=900 * MIB), USED))
    status = "running" if running else run.status
    run = replace(run, status=status, trials=(trial,), settings=RunSettings(target="container:yh"))
    tab = open_page("run", run)
    memory = next(metric for metric in tab.metric if metric.label == "Memory")
    assert (memory.value, memory.delta) == ("512 MiB of 2.0 GiB", "at most 900 MiB")


def test_a_run_that_nobody_measured_shows_no_such_figures(open_page: Open) -> None:
    assert not open_page("run").metric
