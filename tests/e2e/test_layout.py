"""Where things stand: nothing jumps when a page comes in or lives on, and a phone shows all of it, uncut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.recorded_pages import PLACES, visit

pytestmark = pytest.mark.browser

Recorded = Callable[[str], Any]

MOST = 0.25
"""The Cumulative Layout Shift from which a page is called poor (web.dev/cls); ours have 0.01 to 0.14."""
# The framework's own first moments are not ours: its frame is drawn without the sidebar, which then comes in
# beside it and grows. Nothing of a page's content is in those entries.
SHIFTS = """async () => {
  const entries = [];
  const watch = new PerformanceObserver((list) => entries.push(...list.getEntries()));
  watch.observe({ type: 'layout-shift', buffered: true });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const main = document.querySelector('[data-testid=stMain]');
  const frame = (node) => node?.closest && (node.contains(main) || node === main
    || node.closest('[data-testid=stSidebar]') || node.matches('[data-testid=stMainBlockContainer]'));
  return entries
    .filter((entry) => !entry.hadRecentInput && !entry.sources.every(({ node }) => frame(node)))
    .reduce((sum, entry) => sum + entry.value, 0);
}"""
# What a reader reads or presses, with more text than room
CUT = """() => {
  const cut = [];
  const look = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.shadowRoot) look(node.shadowRoot);
      if (!node.matches('h1, h2, h3, p, label, button, a, th, td, dt, dd, li')) continue;
      if (!node.checkVisibility()) continue;
      if (node.closest('[data-testid=stSidebar], [role=log], .rows')) continue;
      if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== 'visible') {
        cut.push(`${node.tagName}: ${node.innerText}`);
      }
      const { left, right, width } = node.getBoundingClientRect();
      if (width && !node.closest('.scroll, [class*=scroll]') && (left < -1 || right > innerWidth + 1)) {
        cut.push(`beside the screen: ${node.tagName}: ${node.innerText}`);
      }
    }
  };
  look(document.querySelector('[data-testid=stMain]'));
  return cut;
}"""


@pytest.mark.parametrize("place", PLACES)
def test_nothing_jumps_when_a_page_comes_in(
    new_page: Callable[..., Page], recorded: Recorded, place: str
) -> None:
    page = new_page()
    visit(page, recorded("full"), place)
    expect(page.locator(".unready")).to_have_count(0)
    assert page.evaluate(SHIFTS) < MOST


def test_a_log_that_grows_moves_nothing_but_its_lines(
    new_page: Callable[..., Page], recorded: Recorded
) -> None:
    page = new_page()
    visit(page, recorded("full"), "logs-containers")
    rows = page.locator(".view .row")
    expect(rows.first).to_be_visible()
    places = "nodes => nodes.map((node) => { const { x, y } = node.getBoundingClientRect(); return [x, y]; })"
    around = page.locator(".log .bar, .log .view, .log .foot, .stPageLink")
    before, newest = around.evaluate_all(places), rows.last.get_attribute("data-number")
    expect(rows.last).not_to_have_attribute("data-number", newest or "")
    assert around.evaluate_all(places) == before


@pytest.mark.parametrize("place", PLACES)
def test_a_phone_shows_all_of_a_page_uncut_and_nothing_jumps_on_it(
    new_page: Callable[..., Page], recorded: Recorded, place: str
) -> None:
    page = new_page(width=390, height=844)
    visit(page, recorded("full"), place)
    expect(page.locator(".unready")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
    assert page.evaluate(CUT) == []
    assert page.evaluate(SHIFTS) < MOST


def test_a_phone_shows_what_befell_each_variant_uncut(
    new_page: Callable[..., Page], recorded: Recorded
) -> None:
    page = new_page(width=390, height=844)
    visit(page, recorded("full"), "run-red")
    expect(page.locator(".row .words", has_text="✕").first).to_be_visible()
    cut = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth).map(node => node.textContent)"
    assert page.locator(".row .name, .row .words").evaluate_all(cut) == []
