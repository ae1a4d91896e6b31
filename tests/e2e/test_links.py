"""Links that restore a view: what is chosen on a page stands in its address, and a colleague sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.recorded_pages import settled, visit

pytestmark = pytest.mark.browser

Recorded = Callable[[str], Any]


@pytest.fixture
def open_page(new_page: Callable[..., Page], recorded: Recorded) -> Callable[[str], Page]:
    def begin(place: str) -> Page:
        page = new_page()
        visit(page, recorded("full"), place)
        return page

    return begin


@pytest.fixture
def colleague(new_page: Callable[..., Page]) -> Callable[[Page], Page]:
    """Opens the address of a page in a tab that knows nothing else of it."""

    def follow(page: Page) -> Page:
        other = new_page(fresh=True)
        other.goto(page.url)
        settled(other)
        return other

    return follow


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def test_the_form_of_a_launch(open_page: Callable[[str], Page], colleague: Callable[[Page], Page]) -> None:
    page = open_page("launch")
    fill(page, "Jobs", "4")
    page.locator('[data-testid="stRadio"]').get_by_text("Off", exact=True).click()
    said = "12 variants will be released at the same instant at a fresh worker. The guard is not fully on"
    expect(page.get_by_text(said)).to_be_visible()
    page.wait_for_url("**/?*guard=off*")  # a name of no language
    other = colleague(page)
    expect(other.get_by_text(said)).to_be_visible()
    expect(other.get_by_label("Jobs", exact=True)).to_have_value("4")


def test_the_form_of_a_sweep(open_page: Callable[[str], Page], colleague: Callable[[Page], Page]) -> None:
    page = open_page("sweep")
    fill(page, "Variants", "2, 3, 5")
    page.wait_for_url("**sweep_variants=*")
    expect(colleague(page).get_by_label("Variants", exact=True)).to_have_value("2, 3, 5")


def test_the_search_of_the_history(
    open_page: Callable[[str], Page], colleague: Callable[[Page], Page]
) -> None:
    page = open_page("history")
    search = page.get_by_role("searchbox", name="Search")
    search.fill("77aa01")
    search.press("Enter")
    page.wait_for_url("**=77aa01*")
    expect(colleague(page).get_by_role("searchbox", name="Search")).to_have_value("77aa01")


def test_the_trial_of_a_run(open_page: Callable[[str], Page], colleague: Callable[[Page], Page]) -> None:
    page = open_page("run")
    page.locator(".chip", has_text="Control").click()
    page.wait_for_url("**trial=2*")
    expect(colleague(page).locator(".chip", has_text="Control")).to_have_attribute("aria-pressed", "true")


def test_the_trial_of_a_timeline(open_page: Callable[[str], Page], colleague: Callable[[Page], Page]) -> None:
    page = open_page("timeline")
    page.get_by_role("combobox", name="Trial").click()
    page.get_by_role("option", name="Control").click()
    page.wait_for_url("**trial=2*")
    expect(colleague(page).get_by_role("combobox", name="Trial")).to_have_value(re.compile("^Control 1"))


def test_the_trial_of_a_log(open_page: Callable[[str], Page], colleague: Callable[[Page], Page]) -> None:
    page = open_page("logs")
    page.locator('[data-testid="stRadio"]').get_by_text("Control 1", exact=True).click()
    page.wait_for_url("**trial=2*")
    expect(colleague(page).get_by_role("radio", name="Control 1")).to_be_checked()


def test_the_two_sides_of_a_comparison(
    open_page: Callable[[str], Page], colleague: Callable[[Page], Page]
) -> None:
    page = open_page("compare")
    expect(page.get_by_text("Worse than before").first).to_be_visible()
    page.get_by_role("combobox", name="After").click()
    page.get_by_role("option", name="Inconclusive").first.click()
    page.wait_for_url("**after=20261123-084800-55cc03*")
    expect(colleague(page).get_by_text("Inconclusive").first).to_be_visible()


def test_the_logs_of_containers(open_page: Callable[[str], Page], colleague: Callable[[Page], Page]) -> None:
    page = open_page("logs-containers")
    page.get_by_role("radio", name="Side by side").click()
    page.wait_for_url("**view=side*")
    other = colleague(page)
    expect(other.get_by_role("radio", name="Side by side")).to_be_checked()
    expect(other.get_by_role("log")).to_have_count(2)
