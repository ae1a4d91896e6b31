"""What every chart rests on, in a real browser without a console."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

DASHBOARD = Path(__file__).parents[2] / "dashboard"
GONE_AT_ONCE = """() => {
  const react = Plotly.react;
  let drawing;
  Plotly.react = (...what) => (drawing = react(...what));
  const chart = makeFrame(document.body, () => {});
  chart.react([{ type: "bar", x: ["one"], y: [1] }], { width: 600, xaxis: { automargin: true } }, {});
  chart.end();
  return drawing.then(() => "drawn", (error) => error.message);
}"""


def test_a_chart_may_leave_the_page_while_it_is_drawn(new_page: Callable[..., Page]) -> None:
    page = new_page(fresh=True)
    page.goto("about:blank")
    page.add_script_tag(path=DASHBOARD / "static" / "plotly-basic.min.js")
    page.add_script_tag(path=DASHBOARD / "components" / "chart_frame.js")
    assert page.evaluate(GONE_AT_ONCE) == "drawn"
    page.wait_for_function("() => !document.querySelector('figure')")
