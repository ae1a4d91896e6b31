"""The Timeline page over a container's log: while it is read, when it is there, and when it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.bins import Window
from dashboard.engine.facts import ContainerFacts
from dashboard.evidence import LogEvent, LogLine
from dashboard.history_reader import LinesNear, Picture
from dashboard.live_access import LiveTokens
from dashboard.load_history import LoadHistory
from dashboard.load_spans import load_spans
from dashboard.log_moments import MomentLines
from dashboard.store import Store
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
END = 1_795_420_800.0
WEB = ContainerFacts("1", "web", "feedlyai/work:3", "sha256:1", "running")
Open = Callable[..., AppTest]


class RecordedHistories:
    """Pictures of a log as they were, instead of a reading."""

    def __init__(self, picture: Picture, near: LinesNear) -> None:
        self.picture, self.near, self.asked = picture, near, list[tuple[str, str, bool]]()

    def history(self, name: str, span: str, *, anew: bool = False) -> Picture:
        self.asked.append((name, span, anew))
        return self.picture

    def lines(self, name: str, at: float) -> LinesNear:
        return self.near

    def close(self) -> None:
        pass


def history(*kinds: str, **others: Any) -> LoadHistory:
    events = tuple(
        LogEvent(kind, "web", 0, END - 60 + at, "feedlyai", kind)  # type: ignore[arg-type]  # one of the kinds
        for at, kind in enumerate(kinds)
    )
    window = Window(END - 3600, END)
    return LoadHistory(
        "web", window, running=False, events=events, spans=load_spans(events), ends=(), **others
    )


@pytest.fixture
def open_page(store: Store) -> Iterator[Open]:
    before = session.install(None)

    def begin(picture: Picture, near: LinesNear | None = None, shelf: Any = None, **address: str) -> AppTest:
        histories = RecordedHistories(picture, near or LinesNear(MomentLines((), None)))
        parts: Any = (RecordedRunner(), store, LiveTokens(), shelf or RecordedShelf(WEB))  # type: ignore[no-untyped-call]
        session.install(session.Console(*parts, histories=histories))  # type: ignore[arg-type]  # a double
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        tab.switch_page("app_pages/timeline.py")
        tab.query_params.update({"container": "web", "last": "1h"} | address)
        tab.run()
        assert not tab.exception
        tab.session_state["histories"] = histories
        return tab

    yield begin
    session.install(before)


def words(tab: AppTest) -> str:
    return "\n".join(each.value for each in [*tab.markdown, *tab.info, *tab.error, *tab.warning])


def chart(tab: AppTest) -> Any:
    found = [each.proto for each in tab.get("bidi_component")]  # type: ignore[attr-defined]  # of the element
    charts = [proto for proto in found if proto.component_name == "loadonce.timeline_chart"]
    return json.loads(charts[0].json) if charts else None


def test_while_the_log_is_read_the_page_says_how_far_it_is(open_page: Open) -> None:
    tab = open_page(Picture(history("started", lines=1234), running=True))
    assert "Reading the log: 1,234 lines so far." in words(tab)
    assert "loads" in [trace["name"] for trace in chart(tab)["figure"]["data"]]


def test_before_the_first_line_it_says_so_too(open_page: Open) -> None:
    tab = open_page(Picture())
    assert "Reading the log: 0 lines so far." in words(tab)
    assert chart(tab) is None


def test_what_was_loaded_is_drawn_listed_and_told_in_words(open_page: Open) -> None:
    tab = open_page(Picture(history("started", "completed", "started", "completed", lines=7), running=False))
    assert list(tab.dataframe[0].value["How it ended"]) == [
        "✕ completed; its process had loaded this model before",
        "✓ completed",
    ]
    assert chart(tab)["label"].startswith("2 loads.")
    assert "7 log lines." in words(tab)


def test_a_range_without_a_load_says_what_to_do(open_page: Open) -> None:
    assert "No load was seen in this range." in words(open_page(Picture(history(), running=False)))


def test_a_log_that_cannot_be_read_is_one_sentence(open_page: Open) -> None:
    tab = open_page(Picture(running=False, problem="No Docker engine answers."))
    assert [each.value for each in tab.error] == ["No Docker engine answers."]


def test_what_may_be_missing_stands_above_what_was_read(open_page: Open) -> None:
    seen = history("started", problem="The log of web broke off.", notes=("Older lines may be gone.",))
    tab = open_page(Picture(seen, running=False))
    assert [each.value for each in tab.warning] == ["The log of web broke off.", "Older lines may be gone."]


def test_the_lines_of_a_moment_stand_beside_the_chart_and_lead_to_the_log(open_page: Open) -> None:
    line = LogLine("web", 0, "stdout", END - 60, "Loading LLaVa model")
    near = LinesNear(MomentLines((line,), 0))
    tab = open_page(Picture(history("started"), running=False), near, at=str(END - 60))
    assert "Loading LLaVa model" in tab.code[0].value
    fetching = open_page(
        Picture(history("started"), running=False),
        LinesNear(MomentLines((), None), running=True),
        at=str(END),
    )
    assert "Fetching the lines of this moment" in words(fetching)


def test_lines_that_cannot_be_fetched_are_told(open_page: Open) -> None:
    near = LinesNear(MomentLines((), None), problem="The engine went away.")
    assert "The engine went away." in words(open_page(Picture(history(), running=False), near, at=str(END)))


def test_the_range_is_in_the_address_and_the_log_is_read_again_when_asked(open_page: Open) -> None:
    tab = open_page(Picture(history("started"), running=False), last="7d")
    histories = tab.session_state["histories"]
    assert set(histories.asked) == {("web", "7d", False)}
    tab.button[0].click().run()
    assert ("web", "7d", True) in histories.asked
    assert histories.asked[-1][2] is False  # once


def test_another_range_forgets_the_window_of_the_old_one(open_page: Open) -> None:
    tab = open_page(Picture(history("started"), running=False), begin=str(END - 60), end=str(END - 10))
    tab.selectbox(key="history_range").set_value("6h").run()
    assert dict(tab.query_params) == {"last": "6h", "container": "web"}


def test_back_to_a_run_takes_the_container_out_of_the_address(open_page: Open) -> None:
    tab = open_page(Picture(history("started"), running=False))
    tab.segmented_control[0].set_value("run").run()
    assert "container" not in tab.query_params
    assert "No run yet" in words(tab)
