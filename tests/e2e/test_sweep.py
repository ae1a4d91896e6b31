"""The Sweep page in a real browser: a sweep is begun, its matrix fills, a cell leads to its run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.model]

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"
SWEEP_MS = 120_000  # a bound for a stuck console, not a measure


@pytest.fixture(scope="module")
def console(module_console_server: Callable[..., Any], demo_home: Path, tmp_path_factory: Any) -> Any:
    """The real console with the real worker, and a history of its own."""
    history = tmp_path_factory.mktemp("history") / "history.db"
    return module_console_server(
        APP, LOADONCE_HOME=str(demo_home), LOADONCE_DATABASE_URL=f"sqlite:///{history}"
    )


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def test_a_sweep_fills_its_matrix_and_a_cell_leads_to_its_run(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page()
    page.goto(f"{console.url}/sweep")
    fill(page, "Variants", "2, 3")
    fill(page, "Repeats", "1")
    expect(page.get_by_text("4 runs, 4 trials in all")).to_be_visible()
    page.get_by_role("button", name=re.compile("Begin the sweep")).click()
    cells = page.locator(".sweep td .words")
    expect(cells).to_have_text(
        ["1 of 1 loaded once", "1 of 1 loaded once", "1 of 1 red", "1 of 1 red"], timeout=SWEEP_MS
    )
    # Nobody needs colours to read it
    expect(page.locator(".sweep td .mark")).to_have_text(["✓", "✓", "✕", "✕"])
    expect(page.locator(".sweep h2")).to_contain_text("Every cell with the guard on held", timeout=SWEEP_MS)
    expect(page.get_by_role("rowheader", name=re.compile("Cold, guard off"))).to_contain_text(
        "red is expected"
    )
    page.locator(".sweep button.cell").first.click()
    page.wait_for_url(re.compile(r"/run\?.*run="))
    expect(page.locator(".verdict h2")).to_contain_text("Loaded exactly once")


def test_a_sweep_that_is_stopped_keeps_what_was_made_for_later_tabs(
    new_page: Callable[..., Page], console: Any
) -> None:
    page = new_page()
    page.goto(f"{console.url}/sweep")
    fill(page, "Variants", "2")
    fill(page, "Repeats", "300")
    page.get_by_role("button", name=re.compile("Begin the sweep")).click()
    page.get_by_role("button", name=re.compile("Stop it")).click(timeout=SWEEP_MS)
    told = "The sweep was stopped; what was made is kept."
    expect(page.locator(".sweep .banner")).to_contain_text(told, timeout=SWEEP_MS)
    address = page.url
    later = new_page(width=390)
    later.goto(address)
    expect(later.locator(".sweep .banner")).to_contain_text(told)
    expect(later.locator('[data-testid="stException"]')).to_have_count(0)
    # What does not fit beside is reached inside the matrix: the page itself never moves sideways
    assert later.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
