"""The Watch page and what it says: states in words, what hinders, alarms, and where they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.alert_desk import AlertDesk
from dashboard.live_access import LiveTokens
from dashboard.store import Store
from dashboard.vigil import WorkerSeen
from dashboard.watch_desk import WatchDesk, WatchesView
from dashboard.watch_file import KeptAlarm, Watched
from dashboard.watch_words import alarms_of, badge, worker_rows
from dashboard.watching import WatchView
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.test_container_pages import NO_ENGINE, container

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
WATCHED = Watched("yh", None, 1, "kim", 1_795_420_800.0)
ONCE = WorkerSeen("3f9c1a", 7, 1, starts=1, completions=1, newest=1_795_420_900.0)
TWICE = replace(ONCE, starts=2, completions=2, wrong=True)
FOLLOWED = WatchView(WATCHED, "following", "Following yh.", "work:3", 1_795_420_790.0, 2, 12_345, (ONCE,))
ALARM = KeptAlarm(
    1_795_420_900.0, "yh", "loaded_twice", "The model was loaded 2 times in *yh* <b>.", True, 1_795_420_789.0
)
Open = Callable[..., AppTest]


class RecordedWatches(WatchDesk):
    """Watches as they were, instead of an engine; it notes what it is asked."""

    def __init__(self, view: WatchesView) -> None:
        super().__init__()
        self.shown, self.asked = view, list[tuple[str, ...]]()

    def view(self) -> WatchesView:
        return self.shown

    def begin(self, container: str, **options: Any) -> str:
        self.asked.append(("begin", container, str(options["expected_workers"]), options["actor"]))
        return "yh is watched already." if container == "yh" else ""

    def stop(self, container: str, **options: Any) -> None:
        self.asked.append(("stop", container))


@pytest.fixture
def page(store: Store) -> Iterator[Open]:
    before = session.install(None)

    def open_page(
        *views: WatchView, seen: tuple[str, ...] = ("yh", "db"), problem: str = "", **rest: Any
    ) -> AppTest:
        alerts = rest.pop("alerts", AlertDesk())
        desk = RecordedWatches(WatchesView(views, **rest))
        shelf = RecordedShelf(*map(container, seen), problem=problem)
        parts: Any = (RecordedRunner(), store, LiveTokens(), shelf)  # type: ignore[no-untyped-call]
        session.install(session.Console(*parts, alerts=alerts, watches=desk))
        tab = AppTest.from_file(str(FRAME), default_timeout=60).run()
        tab.switch_page("app_pages/watch.py").run()
        assert not tab.exception
        return tab

    yield open_page
    session.install(before)


def words(tab: AppTest) -> str:
    kinds = (tab.markdown, tab.info, tab.warning, tab.error, tab.title)
    return " ".join(str(element.value) for kind in kinds for element in kind)


def desk() -> RecordedWatches:
    found = session.console().watches
    assert isinstance(found, RecordedWatches)
    return found


def test_an_empty_page_says_what_is_missing_and_offers_the_containers(page: Open) -> None:
    tab = page()
    assert "Nothing is watched yet." in words(tab)
    assert "None so far." in words(tab)
    assert "Set LOADONCE\\_WEBHOOK\\_URL" in words(tab)
    assert tab.selectbox(key="watch_container").options == ["yh", "db"]


def test_without_an_engine_the_page_says_why(page: Open) -> None:
    tab = page(seen=(), problem=NO_ENGINE)
    assert "No Docker engine answers" in words(tab)


def test_a_watch_shows_its_state_its_workers_and_its_restarts_in_words(page: Open) -> None:
    tab = page(FOLLOWED)
    assert "Loaded as it should be" in words(tab)
    assert "2 restarts seen · 12,345 lines read" in words(tab)
    assert list(tab.dataframe[0].value["State"]) == ["✓ Loaded once"]
    assert list(tab.dataframe[0].value["Worker process"]) == ["3f9c1a, pid 7"]
    assert tab.selectbox(key="watch_container").options == ["db"]  # what is watched is not offered again


def test_an_alarm_is_said_at_its_container_on_every_page_and_in_the_list(page: Open) -> None:
    tab = page(replace(FOLLOWED, workers=(TWICE,)), alarms=(ALARM,))
    assert [each.value for each in tab.error] == [
        "The model was loaded 2 times in \\*yh\\* \\<b\\>."
    ]  # its words are shown as they are, and mark nothing up
    assert "1 watched container is in alarm." in words(tab)
    assert list(tab.dataframe[1].value["What"]) == ["✕ Red"]


def test_an_alarm_of_an_earlier_life_is_in_the_list_only(page: Open) -> None:
    tab = page(FOLLOWED, alarms=(replace(ALARM, time=1_795_420_700.0),))
    assert not tab.error
    assert len(tab.dataframe[1].value) == 1


def test_a_container_that_is_gone_says_so(page: Open) -> None:
    tab = page(WatchView(WATCHED, "gone", "There is no container yh any more."))
    assert "There is no container yh any more." in words(tab)
    assert "No such container" in words(tab)


def test_watches_that_another_console_keeps_are_told(page: Open) -> None:
    tab = page()
    desk().shown = WatchesView(problem="Another console with the data folder /x keeps the watches.")
    assert "keeps the watches" in words(tab.run())


def test_a_watch_is_begun_as_it_was_asked_for_and_a_refusal_is_said(page: Open) -> None:
    tab = page()
    tab.number_input(key="watch_expected").set_value(3)
    tab.button(key="watch_begin").click().run()
    assert desk().asked == [("begin", "yh", "3", "local")]
    assert "yh is watched already." in words(tab)


def test_a_watch_is_ended_by_its_button(page: Open) -> None:
    tab = page(FOLLOWED)
    tab.button(key="end-yh").click().run()
    assert desk().asked == [("stop", "yh")]


def test_a_wrong_address_of_the_chat_is_said_on_the_page(page: Open) -> None:
    tab = page(alerts=AlertDesk(problem="No alert is sent. LOADONCE_WEBHOOK_URL is no address."))
    assert "No alert is sent." in words(tab)


@pytest.mark.parametrize(
    ("view", "says"),
    [
        (replace(FOLLOWED, workers=(ONCE, TWICE), state="away"), "Alarm"),
        (replace(FOLLOWED, state="away"), "Not followed"),
        (replace(FOLLOWED, state="hidden"), "Not shown here"),
        (replace(FOLLOWED, state="stopped"), "Not running"),
        (replace(FOLLOWED, state="connecting"), "Looking"),
        (replace(FOLLOWED, workers=(replace(ONCE, completions=0, loading=True),)), "Loading"),
        (replace(FOLLOWED, workers=(replace(ONCE, completions=0, failures=1),)), "A load failed"),
        (replace(FOLLOWED, workers=()), "No load yet"),
        (FOLLOWED, "Loaded as it should be"),
    ],
)
def test_the_worst_of_what_is_known_stands_first(view: WatchView, says: str) -> None:
    assert badge(view).words == says


def test_a_process_without_a_name_is_told_by_its_place() -> None:
    told = worker_rows([replace(ONCE, boot=None, pid=None, place=2), replace(ONCE, boot=None)])
    assert [row["Worker process"] for row in told] == ["process 2 of its log", "pid 7"]


def test_three_alarms_at_most_stand_at_a_container() -> None:
    assert len(alarms_of(FOLLOWED, [ALARM] * 5)) == 3
    assert alarms_of(FOLLOWED, [replace(ALARM, container="db")]) == []
