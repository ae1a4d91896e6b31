"""The Sweep page: what is asked, what is begun, and which sweep is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.live_access import LiveTokens
from dashboard.store import Store
from dashboard.sweep import SweepPlan, to_document
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.records import green_run
from tests.dashboard.test_sweep import WHOLE, cell, swept

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(store: Store) -> Iterator[Open]:
    before = session.install(None)

    def begin(**query: str) -> AppTest:
        runner = RecordedRunner(green_run())  # type: ignore[no-untyped-call]
        session.install(session.Console(runner, store, LiveTokens()))
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        tab.switch_page("app_pages/sweep.py")
        tab.query_params.update(query)
        tab.run()
        assert not tab.exception
        return tab

    yield begin
    opened = session.install(before)
    if opened is not None:
        opened.sweeps.close()


def words(tab: AppTest) -> str:
    return " ".join(each.value for each in (*tab.markdown, *tab.info, *tab.warning, *tab.error))


def test_a_console_without_a_sweep_says_how_to_get_one(open_page: Open) -> None:
    assert "No sweep yet." in words(open_page())


def test_the_form_says_what_it_will_make_and_makes_it(open_page: Open) -> None:
    tab = open_page()
    assert "6 runs, 18 trials in all" in words(tab)
    tab.text_input("sweep_variants").set_value("2").run()
    tab.number_input("sweep_repeat").set_value(1).run()
    tab.button("sweep_begin").click().run()
    assert not tab.exception
    desk = session.console().sweeps
    view = desk.view()
    assert view is not None
    assert view.plan == SweepPlan((2,), ("on", "off"), repeat=1)


def test_a_wrong_field_is_named_and_nothing_can_be_begun(open_page: Open) -> None:
    tab = open_page()
    tab.text_input("sweep_variants").set_value("two").run()
    assert "is no whole number" in words(tab)
    assert tab.button("sweep_begin").disabled


def test_the_sweep_that_the_address_names_is_shown(open_page: Open, store: Store) -> None:
    other = replace(swept(cell(red=5)), sweep_id="20261122-080000-000000", created_at=1.0)
    for each in (WHOLE, other):
        store.save_sweep(each.sweep_id, each.created_at, to_document(each))
    tab = open_page(sweep=other.sweep_id)
    assert tab.selectbox[0].value == other.sweep_id
    assert tab.query_params["sweep"] == other.sweep_id
