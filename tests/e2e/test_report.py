"""An exported run in a real browser: its charts live, hostile words do nothing, and its page gives it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.evidence import Reason
from dashboard.report import write_report
from dashboard.report_bundle import check_bundle
from tests.dashboard.records import green_run
from tests.e2e.recorded_pages import visit

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
EVIL = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    "<a href='javascript:alert(3)'>x</a><svg onload=alert(4)>"
)


def hostile_run() -> Any:
    """A run whose log, threads, answers and reasons are written by somebody who means harm."""
    run = green_run(6)
    trial, control = run.trials
    events = tuple(replace(event, text=EVIL, thread=EVIL, model=EVIL) for event in trial.events)
    variants = tuple(
        replace(variant, variant_id=f"{variant.variant_id}{EVIL}", answer=EVIL, error=EVIL)
        for variant in trial.variants
    )
    trial = replace(trial, events=events, variants=variants)
    verdict = replace(run.verdict, reasons=(Reason(EVIL, EVIL),))
    return replace(run, actor=EVIL, trials=(trial, control), verdict=verdict, warnings=(EVIL,))


def test_charts_are_live_and_a_hostile_log_does_nothing(browser: Browser, tmp_path: Path) -> None:
    write_report(hostile_run(), tmp_path / "run.html")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto((tmp_path / "run.html").as_uri())
    expect(page.get_by_text("Drag over a chart to look closer")).to_be_visible()
    charts = page.locator("section.chart [role=img]")
    expect(charts).to_have_count(3)
    first = charts.first
    first.scroll_into_view_if_needed()
    whole = first.evaluate("plot => plot._fullLayout.xaxis.range")
    box = first.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    third_bar = (2 - whole[0]) / (whole[1] - whole[0])
    page.mouse.move(box["x"] + box["width"] * third_bar, box["y"] + box["height"] - 20, steps=3)
    expect(first.locator(".hoverlayer text").first).to_be_visible()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    page.wait_for_function("([plot, was]) => plot._fullLayout.xaxis.range[0] !== was", arg=[
        first.element_handle(), whole[0],
    ])  # fmt: skip
    expect(page.locator("section.chart a, section.chart img, main img")).to_have_count(0)
    expect(page.locator("td", has_text="</script><script>alert(1)").first).to_be_attached()
    assert (wrong, asked) == ([], [(tmp_path / "run.html").as_uri()])
    context.close()


def test_without_scripts_it_can_still_be_read(browser: Browser, tmp_path: Path) -> None:
    write_report(green_run(6), tmp_path / "run.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "run.html").as_uri())
    expect(page.get_by_role("heading", name="Loaded exactly once")).to_be_visible()
    expect(page.get_by_text("What they show stands in the tables below.")).to_be_visible()
    expect(page.locator("section.chart").first).to_be_hidden()
    expect(page.get_by_role("cell", name="job-1.variant-6").first).to_be_visible()
    context.close()


def test_the_page_of_a_run_gives_it_out(
    console_server: Callable[..., Any], new_page: Callable[..., Page], tmp_path: Path
) -> None:
    console = console_server(HERE / "recorded_app.py", RECORDED="full", RECORDED_HOME=str(tmp_path))
    page = new_page()
    visit(page, console, "run")
    # What comes in above the button would take it, and what it has opened, out of sight
    expect(page.locator(".verdict h2")).to_be_visible()
    expect(page.locator(".js-plotly-plot:visible .main-svg").first).to_be_attached()
    page.get_by_test_id("stPopoverButton").filter(has_text="Download").click()
    for kind, name in (("Page with charts", "run.html"), ("Proof with logs", "run.zip")):
        with page.expect_download() as begun:
            page.get_by_role("button", name=kind).click()
        begun.value.save_as(tmp_path / name)
        assert begun.value.suggested_filename == f"loadonce-{green_run().run_id}{name[3:]}"
    assert "Loaded exactly once" in (tmp_path / "run.html").read_text("utf-8")
    checked = check_bundle(tmp_path / "run.zip")
    assert (checked.files, checked.faults) == (8, ())
