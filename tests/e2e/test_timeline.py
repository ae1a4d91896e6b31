"""The Timeline page in a real browser: a brush that lives on, a click that shows the log; by keys, too."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.e2e.recorded_pages import settled

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("timeline_app.py")
GREEN, CROWD, LIVE = "20261123-084512-3f9c1a", "20261123-090000-c0ffee", "20261123-091500-beefed"
RANGE = "plot => plot._fullLayout.xaxis.range"
LINES = "plot => plot.data.find(trace => trace.name === 'Log lines').y.reduce((sum, count) => sum + count, 0)"

# It has stood still for half a second of drawn frames
STEADY = """plot => new Promise((resolve) => {
  let last = "", same = 0;
  const look = () => {
    const { x, y, width, height } = plot.getBoundingClientRect();
    const now = [x, y, width, height].join();
    same = now === last ? same + 1 : 0;
    last = now;
    if (same < 30) requestAnimationFrame(look); else resolve();
  };
  look();
})"""


@pytest.fixture(scope="module")
def console(module_console_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = str(tmp_path_factory.mktemp("home"))
    return module_console_server(APP, TIMELINE_HOME=home, LOADONCE_HOME=home, PYTHONPATH=str(APP.parents[2]))


def opened(page: Page, console: Any, address: str) -> Locator:
    """Go to a page and return its last chart, once it is drawn."""
    page.goto(f"{console.url}/{address}")
    settled(page)
    # The framework may keep the chart that another one has replaced, out of sight
    chart = page.locator(".js-plotly-plot:visible").last
    expect(chart.locator(".main-svg").first).to_be_visible()
    return chart


def inside(chart: Locator) -> dict[str, float]:
    """The place of the drawing area on the screen, once nothing moves it any more."""
    chart.evaluate(STEADY)
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    return dict(box)


def brush(page: Page, chart: Locator, begin: float, end: float) -> None:
    """Drag over a part of the time axis, given as shares of its width."""
    box = inside(chart)
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + begin * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], y, steps=5)
    page.mouse.up()


def test_a_click_shows_the_log_lines_of_that_moment_and_leads_to_them(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page()
    chart = opened(page, console, f"timeline?run={GREEN}")
    box = inside(chart)
    whole = chart.evaluate(RANGE)
    # In the middle of the load, close to the last word of its progress
    at = (0.305 - whole[0]) / (whole[1] - whole[0])
    page.mouse.click(box["x"] + at * box["width"], box["y"] + box["height"] * 0.75)
    expect(page.get_by_test_id("stCode")).to_contain_text(re.compile(r"▶\s+30 .*event=progress"))
    page.get_by_role("link", name="Open the log at line 30").click()
    page.wait_for_url(re.compile(r"/logs\?.*line=30"))


def test_a_brushed_part_stays_while_the_run_goes_on_and_its_link_shows_it_again(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page()
    chart = opened(page, console, f"timeline?run={LIVE}")
    brush(page, chart, 0.2, 0.5)
    expect(page).to_have_url(re.compile(r"begin=.*&end="))
    chosen, seen = chart.evaluate(RANGE), chart.evaluate(LINES)
    # Two more looks at the run have come in since
    page.wait_for_function(
        f"([plot, seen]) => ({LINES})(plot) > seen + 1", arg=[chart.element_handle(), seen], timeout=60_000
    )
    assert chart.evaluate(RANGE) == chosen
    other = opened(new_page(), console, page.url.partition("/timeline")[2].join(("timeline", "")))
    assert other.evaluate(RANGE) == pytest.approx(chosen, abs=0.001)


def test_without_a_mouse_the_buttons_zoom_and_show_the_log(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page()
    chart = opened(page, console, f"timeline?run={GREEN}")
    whole = chart.evaluate(RANGE)
    page.get_by_role("button", name="Next mark").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("status").filter(has_text=re.compile(r"^2 / \d+ · "))).to_be_visible()
    page.get_by_role("button", name="Show the log lines of this mark").press("Enter")
    expect(page.get_by_test_id("stCode")).to_contain_text("▶")
    page.get_by_role("button", name="Zoom in").press("Enter")
    expect(page).to_have_url(re.compile("begin="))
    zoomed = chart.evaluate(RANGE)
    assert zoomed[1] - zoomed[0] == pytest.approx((whole[1] - whole[0]) / 2)
    page.get_by_role("button", name="Show all of it").press("Enter")
    expect(page).not_to_have_url(re.compile("begin="))
    assert chart.evaluate(RANGE) == whole


def test_a_thousand_variants_are_told_apart_where_the_reader_zooms_in(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page()
    chart = opened(page, console, f"timeline?run={CROWD}")
    expect(chart.get_by_text("variant-", exact=False)).to_have_count(0)
    brush(page, chart, 0.3, 0.5)
    expect(page).to_have_url(re.compile("begin="))
    brush(page, chart, 0.3, 0.35)
    expect(chart.get_by_text(re.compile(r"^variant-\d+$")).first).to_be_visible()


def test_on_a_phone_a_tap_shows_the_lines_and_a_finger_scrolls_the_page(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page(width=390, height=844, has_touch=True, is_mobile=True)
    chart = opened(page, console, f"timeline?run={GREEN}")
    assert chart.evaluate("plot => plot._fullLayout.dragmode") is False
    lines = page.get_by_test_id("stCode")
    for _ in range(5):  # a tap in the moment of a drawing is lost: a hand taps again
        box = inside(chart)
        page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.75)
        with suppress(TimeoutError):
            lines.wait_for(timeout=15_000)
            break
    expect(lines).to_contain_text("▶")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_latencies_of_two_runs_lie_over_each_other_and_the_link_shows_them_again(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page()
    chart = opened(page, console, f"run?run={GREEN}")
    page.get_by_role("radio", name="Share answered").or_(page.get_by_text("Share answered")).first.click()
    expect(chart.get_by_text("Waited for the load, 4")).to_be_visible()
    page.get_by_label("Over another run").click()
    page.get_by_role("option", name=re.compile("1,000 variants")).click()
    expect(page).to_have_url(re.compile(f"over={CROWD}"))
    expect(chart.get_by_text("Other run, 1,000")).to_be_visible()
    again = opened(new_page(), console, page.url.partition(":")[2].partition("/run")[2].join(("run", "")))
    expect(again.get_by_text("This run, 5")).to_be_visible()
