"""What is chosen in a form stands in the address by a name that every viewer's language shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.live_access import LiveTokens
from dashboard.store import Store
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.test_pages import FRAME, address


@pytest.fixture(autouse=True)
def _console(store: Store) -> Iterator[None]:
    runner = RecordedRunner()  # type: ignore[no-untyped-call]
    before = session.install(session.Console(runner, store, LiveTokens(), RecordedShelf()))
    yield
    session.install(before)


def opened(page: str = "launch", **query: str | list[str]) -> AppTest:
    tab = AppTest.from_file(str(FRAME), default_timeout=60)
    tab.query_params.update(query)
    tab.run()
    if page != "launch":
        tab.switch_page(f"app_pages/{page}.py")
        tab.query_params.update(query)
        tab.run()
    assert not tab.exception
    return tab


@pytest.mark.parametrize(
    ("written", "language"),
    [("off", "ko"), ("off", "en"), ("Off", "ko"), ("끔", "en")],
    ids=["name", "same name", "old English address", "old Korean address"],
)
def test_a_link_means_the_same_in_every_language(written: str, language: str) -> None:
    tab = opened(guard=written, language=language)
    assert tab.radio(key="guard").value == "off"
    assert address(tab)["guard"] == "off"
    assert not tab.warning


def test_what_is_chosen_goes_into_the_address_and_what_is_usual_out_of_it() -> None:
    tab = opened()
    tab.radio(key="guard").set_value("per-model").run()
    assert address(tab)["guard"] == "per-model"
    tab.radio(key="guard").set_value("on").run()
    assert "guard" not in address(tab)


def test_a_choice_that_does_not_exist_is_told_and_the_usual_one_shown() -> None:
    tab = opened(guard="sideways")
    assert tab.radio(key="guard").value == "on"
    assert "The address asks for sideways at guard" in tab.warning[0].value
    assert "guard" not in address(tab)


def test_several_choices_are_kept_none_of_them_too() -> None:
    tab = opened("sweep", sweep_guards=["off", "Per nothing"], sweep_states=["Warm"])
    guards, states = (tab.button_group(key=f"sweep_{name}") for name in ("guards", "states"))
    assert (guards.value, states.value) == (["off"], ["warm"])
    assert "Per nothing" in tab.warning[0].value
    tab = opened("sweep", sweep_guards=[""])
    assert tab.button_group(key="sweep_guards").value == []
