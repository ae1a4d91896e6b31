"""The History page in a browser, where its dialog and its table are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dashboard.store import Store, store_url

pytestmark = pytest.mark.browser
APP = Path(__file__).with_name("recorded_app.py")
ROW, HEAD = 35, 35  # pixels: the table is a canvas, whose rows no locator can find


def test_a_run_is_deleted_once_that_is_confirmed_and_a_link_finds_the_others(
    console_server, new_page, tmp_path
):
    server = console_server(APP, RECORDED="full", RECORDED_HOME=str(tmp_path), LOADONCE_DATABASE_URL="")
    page = new_page()
    page.goto(f"{server.url}/history")
    expect(page.get_by_text(re.compile(r"^14 of 14 runs"))).to_be_visible()
    place = page.locator('[data-testid="stDataFrame"] canvas').first
    place.wait_for()
    with_delete = page.get_by_role("button", name="Delete…")
    box = place.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + HEAD + ROW / 2)
    expect(with_delete).to_be_visible()
    newest = page.get_by_test_id("stMarkdownContainer").locator("code").first.inner_text()
    with_delete.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(newest)
    dialog.get_by_role("button", name="Keep").click()
    expect(dialog).to_have_count(0)
    with_delete.click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text(f"Run {newest} was deleted.")).to_be_visible()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(re.compile(r"^13 of 13 runs"))).to_be_visible()
    expect(with_delete).to_have_count(0)  # the tick went with its run, and means no other one now
    store = Store.open(store_url(tmp_path))
    assert store.load(newest) is None
    assert [(did.action, did.run_id) for did in store.actions()] == [("delete", newest)]
    store.close()

    search = page.get_by_role("searchbox", name="Search", exact=True)
    search.fill("20261122-03")
    search.press("Enter")
    expect(page.get_by_text(re.compile(r"^1 of 13 runs"))).to_be_visible()
    colleague = new_page()
    colleague.goto(page.url)
    expect(colleague.get_by_text(re.compile(r"^1 of 13 runs"))).to_be_visible()
    expect(colleague.get_by_role("searchbox", name="Search", exact=True)).to_have_value("20261122-03")
