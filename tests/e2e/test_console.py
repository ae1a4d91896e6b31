"""The whole console in a real browser: launch, watch, reload, second tab, abort, look back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.recorded_pages import settled

pytestmark = [pytest.mark.browser, pytest.mark.model]

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"
TRIAL_MS = 60_000  # a bound for a stuck console, not a measure: a trial takes about a second
LONG = 400  # repeats: a run that is still going on whenever a test looks


@pytest.fixture(scope="module")
def console(module_console_server: Callable[..., Any], demo_home: Path, tmp_path_factory: Any) -> Any:
    """The real console with the real worker, and a history of its own."""
    history = tmp_path_factory.mktemp("history") / "history.db"
    return module_console_server(
        APP, LOADONCE_HOME=str(demo_home), LOADONCE_DATABASE_URL=f"sqlite:///{history}"
    )


@pytest.fixture
def page(new_page: Callable[..., Page], console: Any) -> Page:
    """A tab on Launch."""
    page = new_page()
    page.goto(console.url)
    return page


@pytest.fixture
def long_run(page: Page, console: Any) -> Iterator[str]:
    """The id of a run of many repeats that `page` has launched and shows; it is aborted in the end."""
    fill(page, "Repeats", LONG)
    press(page, "Launch")
    page.wait_for_url(re.compile(r"/run\?.*run="))
    expect(page.get_by_role("button", name="Abort", exact=True)).to_be_visible(timeout=TRIAL_MS)
    run_id = page.url.split("run=")[1].split("&")[0]
    yield run_id
    page.goto(f"{console.url}/run?run={run_id}")
    abort, again = (page.get_by_role("button", name=name, exact=True) for name in ("Abort", "Run again"))
    expect(abort.or_(again).locator("visible=true")).to_have_count(1)
    if abort.is_visible():
        abort.click()
    expect(again).to_be_visible(timeout=TRIAL_MS)


def banner(page: Page) -> Any:
    return page.locator(".verdict h2")


def figure(page: Page, label: str) -> Any:
    return page.locator(".figure", has_text=label).locator(".value")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(rf"^{name}\b")).click()


def fill(page: Page, label: str, value: int) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settled(page)


def test_three_variants_with_the_guard_on_end_green_with_one_load(page: Page) -> None:
    press(page, "Prove it")
    expect(banner(page)).to_have_text("Loaded exactly once", timeout=TRIAL_MS)
    expect(figure(page, "Load starts")).to_have_text("1")
    expect(figure(page, "Load completions")).to_have_text("1")
    expect(figure(page, "Meta tensor errors")).to_have_text("0")
    expect(figure(page, "Unique models")).to_have_text("1")


def test_three_variants_with_the_guard_off_end_red(page: Page) -> None:
    press(page, "See it break")
    expect(page.locator(".banner.red")).to_be_visible(timeout=TRIAL_MS)
    expect(figure(page, "Load starts")).not_to_have_text("1")
    expect(page.get_by_text("What to do")).to_be_visible()


def test_the_settings_of_the_form_reach_the_run(page: Page) -> None:
    fill(page, "Variants per job", 7)
    fill(page, "Jobs", 2)
    press(page, "Launch")
    expect(banner(page)).to_have_text("Loaded exactly once", timeout=TRIAL_MS)
    expect(page.get_by_text("14 variants asked at the same instant")).to_be_visible()


def test_a_reload_in_the_middle_finds_the_run_going_on(page: Page, long_run: str) -> None:
    page.reload()
    settled(page)
    expect(page.get_by_role("button", name="Abort", exact=True)).to_be_visible()
    expect(page.get_by_text(long_run).first).to_be_visible()


def test_a_left_page_does_not_end_the_run(page: Page, long_run: str, console: Any) -> None:
    page.goto("about:blank")
    page.goto(f"{console.url}/run?run={long_run}")
    expect(page.get_by_role("button", name="Abort", exact=True)).to_be_visible()


def test_a_second_tab_sees_the_same_run_to_its_end(
    page: Page, long_run: str, new_page: Callable[..., Page], console: Any
) -> None:
    second = new_page()
    second.goto(f"{console.url}/run?run={long_run}")
    press(second, "Abort")
    for tab in (page, second):
        expect(tab.get_by_role("button", name="Run again")).to_be_visible(timeout=TRIAL_MS)
    assert banner(page).inner_text() == banner(second).inner_text()


def test_an_aborted_run_says_so_and_keeps_its_trials(page: Page, long_run: str) -> None:
    expect(page.locator(".chip.green").first).to_be_visible(timeout=TRIAL_MS)
    press(page, "Abort")
    expect(banner(page)).to_contain_text("the run was stopped", timeout=TRIAL_MS)
    expect(page.locator(".banner.inconclusive")).to_be_visible()
    expect(page.locator(".chip.green").first).to_be_visible()


def test_a_launch_while_a_run_goes_on_is_refused_in_a_sentence(
    long_run: str, new_page: Callable[..., Page], console: Any
) -> None:
    second = new_page()
    second.goto(console.url)
    press(second, "Prove it")
    expect(second.get_by_text(f"Run {long_run} is under way")).to_be_visible()


@pytest.mark.parametrize("count", [0, -3, 1_000_000])
def test_a_count_out_of_range_is_an_error_beside_its_field(page: Page, count: int) -> None:
    fill(page, "Jobs", count)
    expect(page.get_by_text("Jobs must be between 1 and 1,000")).to_be_visible()
    press(page, "Launch")
    settled(page)
    assert "/run" not in page.url


def test_a_missing_checkpoint_is_an_error_beside_its_field(page: Page, tmp_path: Path) -> None:
    page.get_by_text("Advanced").click()
    page.get_by_label("Checkpoint folder").fill(str(tmp_path / "nowhere"))
    page.get_by_label("Checkpoint folder").press("Enter")
    settled(page)
    press(page, "Launch")
    expect(page.get_by_text("nowhere").first).to_be_visible()
    expect(page.get_by_label("Checkpoint folder")).to_have_value(str(tmp_path / "nowhere"))


def test_the_log_of_a_run_shows_its_one_load(page: Page) -> None:
    press(page, "Prove it")
    expect(banner(page)).to_have_text("Loaded exactly once", timeout=TRIAL_MS)
    page.get_by_role("link", name="Log of this run").click()
    page.wait_for_url(re.compile("/logs"))
    page.get_by_label("Filter lines").fill("Loading LLaVa model")
    expect(page.get_by_role("log").get_by_text("Loading LLaVa model")).to_have_count(1)


def test_the_timeline_of_a_run_lists_its_events(page: Page) -> None:
    press(page, "Prove it")
    expect(banner(page)).to_have_text("Loaded exactly once", timeout=TRIAL_MS)
    page.get_by_role("link", name="Timeline").last.click()
    page.wait_for_url(re.compile("/timeline"))
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    expect(page.get_by_text("Every load event")).to_be_visible()


def test_a_past_run_opens_again_in_full_after_a_restart_of_the_console(page: Page, console: Any) -> None:
    press(page, "Prove it")
    expect(banner(page)).to_have_text("Loaded exactly once", timeout=TRIAL_MS)
    address = page.url
    console.restart()
    page.goto(address)
    expect(banner(page)).to_have_text("Loaded exactly once")
    expect(figure(page, "Load starts")).to_have_text("1")
    expect(page.get_by_text("variant 3", exact=True)).to_be_visible()


def test_an_event_leads_to_its_line_in_the_log(page: Page, console: Any) -> None:
    press(page, "Prove it")
    expect(banner(page)).to_have_text("Loaded exactly once", timeout=TRIAL_MS)
    page.goto(page.url.replace("/run?", "/timeline?"))
    settled(page)
    table = page.get_by_test_id("stDataFrame")
    table.click(position={"x": 12, "y": 50})
    page.get_by_role("link", name="Open the log at line").click()
    page.wait_for_url(re.compile(r"/logs\?.*line=\d+"))
    expect(page.get_by_role("log").get_by_text("event=requested").first).to_be_visible()


@pytest.mark.parametrize("place", ["", "/history", "/logs"])
def test_a_page_asks_nobody_but_its_console(new_page: Callable[..., Page], console: Any, place: str) -> None:
    asked: list[str] = []
    page = new_page(fresh=True)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(console.url + place)
    settled(page)
    expect(page).to_have_title(re.compile("Loadonce"))
    assert [url for url in asked if not url.startswith((console.url, "data:", "blob:"))] == []
    assert "frame-ancestors 'self'" in page.request.get(console.url).headers["content-security-policy"]


@pytest.mark.parametrize("place", ["run", "logs", "timeline", "history"])
def test_a_tab_is_named_after_its_page(page: Page, console: Any, place: str) -> None:
    page.goto(f"{console.url}/{place}")
    settled(page)
    expect(page).to_have_title(re.compile(rf"{place}.* · Loadonce", re.IGNORECASE))


@pytest.mark.parametrize("place", ["", "run", "logs", "timeline", "history"])
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_no_page_is_wider_than_its_screen(
    new_page: Callable[..., Page], console: Any, place: str, width: int, scheme: str
) -> None:
    tab = new_page(width=width, height=844, scheme=scheme)
    tab.goto(f"{console.url}/{place}")
    settled(tab)
    expect(tab.locator("h1").first).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
