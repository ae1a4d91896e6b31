"""The console by its keys alone: launch, abort, pause, search; their list; and where they keep silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.recorded_pages import visit

pytestmark = pytest.mark.browser

Recorded = Callable[[str], Any]


@pytest.fixture
def open_page(new_page: Callable[..., Page], recorded: Recorded) -> Callable[[str], Page]:
    def begin(place: str) -> Page:
        page = new_page()
        visit(page, recorded("full"), place)
        expect(page.get_by_role("button", name="Keyboard ?")).to_be_visible()  # it listens
        return page

    return begin


def the_list(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Keyboard")


def refused(page: Page) -> Locator:
    """What comes of a launch while a run is under way."""
    return page.get_by_text("two at once would disturb")


def test_a_key_launches_what_the_form_says(open_page: Callable[[str], Page]) -> None:
    page = open_page("launch")
    page.keyboard.press("l")
    expect(refused(page)).to_be_visible()


def test_abort_takes_shift_so_that_no_slip_ends_a_run(open_page: Callable[[str], Page]) -> None:
    page = open_page("run-going")
    expect(page.get_by_role("button", name="Abort", exact=True)).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Abort", exact=True)).to_be_enabled()
    page.keyboard.press("Shift+A")
    expect(page.get_by_role("button", name="Stopping…")).to_be_visible()


def test_a_key_holds_the_log_still_and_lets_it_go_on(open_page: Callable[[str], Page]) -> None:
    page = open_page("logs-containers")
    expect(page.locator(".view .row").first).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


@pytest.mark.parametrize(("place", "field"), [("history", "Search"), ("logs", "Filter lines by text")])
def test_slash_leads_to_the_search_of_the_page(
    open_page: Callable[[str], Page], place: str, field: str
) -> None:
    page = open_page(place)
    search = page.get_by_role("textbox", name=field).or_(page.get_by_role("searchbox", name=field))
    expect(search).to_be_visible()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("pl/?")  # keys no more: what is typed is text
    expect(search).to_have_value("pl/?")
    expect(the_list(page)).to_be_hidden()


def test_no_key_fires_while_somebody_types(open_page: Callable[[str], Page]) -> None:
    page = open_page("targets")
    field = page.get_by_label("targets.toml")
    field.press_sequentially("l A p ? /")
    expect(field).to_have_value("l A p ? /")
    expect(the_list(page)).to_be_hidden()
    page.goto(page.url.replace("/targets", "/"))
    page.get_by_label("Jobs", exact=True).press("l")
    page.get_by_label("Jobs", exact=True).press("Escape")
    expect(refused(page)).to_have_count(0)


def test_the_list_opens_by_its_key_and_by_its_button_and_escape_closes_it(
    open_page: Callable[[str], Page],
) -> None:
    page = open_page("launch")
    page.keyboard.press("?")
    expect(the_list(page)).to_contain_text("Abort the run that is shown")
    page.keyboard.press("l")  # nothing behind it is meant
    page.keyboard.press("Escape")
    expect(the_list(page)).to_be_hidden()
    button = page.get_by_role("button", name="Keyboard ?")
    button.press("Enter")
    expect(the_list(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(the_list(page)).to_be_hidden()
    expect(button).to_be_focused()
    expect(refused(page)).to_have_count(0)


def test_the_list_opens_though_the_sidebar_is_folded_away(open_page: Callable[[str], Page]) -> None:
    page = open_page("history")
    page.get_by_test_id("stSidebar").hover()
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    page.keyboard.press("?")
    expect(the_list(page)).to_be_in_viewport()


def test_who_speaks_to_his_machine_switches_the_keys_off_for_good(open_page: Callable[[str], Page]) -> None:
    page = open_page("launch")
    page.keyboard.press("?")
    page.get_by_label("Keys of one letter").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    button = page.get_by_role("button", name="Keyboard ?")
    expect(button).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("l")
    button.click()  # had the key opened the list, it would cover the button
    page.get_by_label("Keys of one letter").check()
    page.keyboard.press("Escape")
    expect(refused(page)).to_have_count(0)
    page.keyboard.press("l")
    expect(refused(page)).to_be_visible()


def test_each_control_of_a_run_is_reached_by_tab_in_the_order_that_is_seen(
    open_page: Callable[[str], Page],
) -> None:
    page = open_page("run")
    again = page.get_by_role("button", name="Run again")
    again.focus()
    names = []
    for _ in range(5):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "() => { let at = document.activeElement; while (at.shadowRoot?.activeElement)"
                " at = at.shadowRoot.activeElement; return at.getAttribute('aria-label') || at.innerText; }"
            )
        )
    assert names[2].startswith("5 variants, a bar each")  # a list that scrolls by the arrow keys
    assert ["Trial" in name or "Control" in name for name in names[:2]] == [True, True]
    assert [name.split("\n")[-1] for name in names[3:]] == ["Log of this run", "Timeline"]
