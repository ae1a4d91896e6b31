"""WCAG 2.1 AA on every page, empty and full, in light and dark, wide and on a phone: axe-core's word.

axe-core is asked for more than that: its best practices (headings, landmarks), and targets of 24 pixels, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.e2e.framework_faults import FAULTS
from tests.e2e.recorded_pages import PAGES, PLACES, visit

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
    "elementRef": True,
}
# Whose fault it is can be told in the page alone: outside, an element is no more than a path.
AUDIT = """async ([rules, known]) => {
  const found = { ours: [], known: [] };
  for (const { id, nodes } of (await axe.run(rules)).violations) {
    for (const { element, html, failureSummary } of nodes) {
      const place = known.findIndex(({ rule, css }) => rule === id && element?.matches(css));
      if (place >= 0) found.known.push(place);
      else found.ours.push(`${id}: ${html.slice(0, 300)}\\n${failureSummary}`);
    }
  }
  return found;
}"""
DARK = "getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === 'dark'"

Recorded = Callable[[str], Any]


def audit(page: Page, place: str) -> list[str]:
    """Return our faults; hold that the framework has all of its own still."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(AUDIT, [RULES, [asdict(fault) for fault in FAULTS]])
    gone = [
        fault
        for number, fault in enumerate(FAULTS)
        if number not in found["known"] and (not fault.places or place in fault.places)
    ]
    assert gone == [], "The framework has been cured of this: take it from the list."
    return list(found["ours"])


def in_both_schemes(page: Page, place: str) -> str:
    # The framework pales what it is about to draw again, and a slow machine is caught at that
    page.add_style_tag(content="[data-stale] { opacity: 1 !important; transition: none !important }")
    # axe looks at colours where they can be seen, and the page scrolls within a part of itself
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": max(900, height)})
    light = audit(page, place)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(DARK)
    return "\n\n".join(light + audit(page, place))


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("place", PLACES)
def test_a_page_with_content_has_no_fault_of_ours(
    new_page: Callable[..., Page], recorded: Recorded, place: str, width: int
) -> None:
    page = new_page(width=width)
    visit(page, recorded("full"), place)
    assert in_both_schemes(page, place) == ""


@pytest.mark.parametrize("place", PAGES)
def test_a_page_without_content_says_why_and_has_no_fault_of_ours(
    new_page: Callable[..., Page], recorded: Recorded, place: str
) -> None:
    page = new_page()
    visit(page, recorded("empty"), place)
    assert in_both_schemes(page, place) == ""


def test_every_page_of_the_way_about_is_looked_at(new_page: Callable[..., Page], recorded: Recorded) -> None:
    page = new_page()
    visit(page, recorded("full"), "launch")
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(PAGES))
    ways = {link.get_attribute("href").rstrip("/").rsplit("/", 1)[-1] for link in links.all()}
    assert ways - set(PAGES) == {recorded("full").url.rsplit("/", 1)[-1]}  # Launch is at the root


def test_a_fault_is_found_where_there_is_one(new_page: Callable[..., Page], recorded: Recorded) -> None:
    page = new_page()
    visit(page, recorded("full"), "launch")
    page.add_style_tag(content=".st-key-launch p { color: #88a !important }")
    found = in_both_schemes(page, "launch")
    assert found.count("color-contrast: <p>Launch</p>") == 2
