"""The Live logs page over real containers, in a real browser: links, the console's restart, the whole log."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.stamps import nanoseconds
from dashboard.log_range import NEWEST
from tests.e2e.conftest import CHROMIUM_FLAGS, ROOT, ConsoleServer
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until

pytestmark = pytest.mark.browser

OLD = NEWEST + 500
SCRIPT = (
    f"import time\nfor n in range({OLD}): print(f'old {{n:07d}}')\n"
    "n = 0\nwhile True:\n    print(f'new {n:07d}'); n += 1\n    time.sleep(0.05)"
)
# A container's own network comes and goes as an interface, and Chromium then drops what it is loading
NO_NETWORK = ("--network", "none")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("These tests need Chromium: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    viewport, zone = {"width": 1440, "height": 1000}, "Asia/Seoul"
    context = browser.new_context(viewport=viewport, timezone_id=zone)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def console(private: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    environment = {**private.environment(), "LOADONCE_HOME": str(tmp_path_factory.mktemp("home"))}
    server = ConsoleServer(ROOT / "dashboard" / "app.py", environment)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def writer(containers: Containers) -> ContainerFacts:
    container = containers.python(SCRIPT, *NO_NETWORK)
    until(lambda: "new " in containers.private.client("logs", "--tail", "1", container.name).stdout, 30)
    return container


@pytest.fixture
def live(console: ConsoleServer, page: Page, writer: ContainerFacts) -> Page:
    """The page of the writer's log, once it shows a line that came after it was opened."""
    page.goto(f"{console.url}/logs?container={writer.name}")
    expect(page.locator(".row", has_text="new ").last).to_be_visible(timeout=30_000)
    return page


def stamp_of(containers: Containers, container: ContainerFacts, text: str) -> float:
    log = containers.private.client("logs", "-t", container.name).stdout.splitlines()
    return (nanoseconds(next(line for line in log if line.endswith(text)).split()[0]) or 0) / 1e9


def row(page: Page, text: str) -> Locator:
    return page.locator(".row", has_text=text)


def test_a_link_brings_to_the_same_line_also_after_the_console_was_restarted(
    containers: Containers, console: ConsoleServer, page: Page, writer: ContainerFacts
) -> None:
    at = stamp_of(containers, writer, "old 0000123")
    address = f"{console.url}/logs?container={writer.name}&of={writer.name}&at={at:.6f}"
    page.goto(address)
    expect(row(page, "old 0000123")).to_be_visible(timeout=30_000)
    console.restart()
    page.goto(address)
    expect(row(page, "old 0000123")).to_be_visible(timeout=30_000)


def test_a_container_s_line_is_named_by_its_time(live: Page) -> None:
    newest = live.locator(".row", has_text="new ").last
    live.get_by_role("button", name="Pause").click()
    moment = newest.locator("time").inner_text()
    newest.hover()
    expect(newest.get_by_role("button", name=f"Copy link to the line of {moment}")).to_be_visible()


def test_an_open_page_goes_on_after_the_console_was_restarted(console: ConsoleServer, live: Page) -> None:
    console.restart()
    expect(live.locator(".state-words")).to_have_text("Live", timeout=60_000)
    expect(live.locator(".row", has_text="new ").last).to_be_visible(timeout=30_000)
    newest = int(re.findall(r"new (\d{7})", live.locator(".view").inner_text())[-1])
    expect(row(live, f"new {newest + 40:07d}")).to_be_visible(timeout=30_000)
    shown = [int(n) for n in re.findall(r"new (\d{7})", live.locator(".view").inner_text())]
    assert shown == list(range(shown[0], shown[0] + len(shown)))


def test_an_engine_that_goes_away_is_told_above_the_log_until_it_comes_back(
    private: PrivateEngine, live: Page
) -> None:
    private.crash()
    try:
        expect(live.get_by_text("No Docker engine answers at")).to_be_visible(timeout=30_000)
    finally:
        private.revive()
    expect(live.get_by_text("No Docker engine answers at")).to_be_hidden(timeout=30_000)


def test_older_lines_are_shown_when_they_are_asked_for(live: Page) -> None:
    live.get_by_label("From", exact=True).click()
    live.get_by_role("option", name="Start of this life").click()
    expect(live).to_have_url(re.compile("since=start"))
    until(lambda: int(re.sub(r"\D", "", live.locator(".count").inner_text()) or 0) > OLD, 30)
    live.locator(".view").evaluate("view => { view.scrollTop = 0; }")
    expect(row(live, "old 0000000")).to_be_visible(timeout=30_000)


def test_a_time_that_is_typed_is_the_browser_s_and_the_same_for_a_colleague_elsewhere(live: Page) -> None:
    live.get_by_label("From", exact=True).click()
    live.get_by_role("option", name="A time…").click()
    live.get_by_label("From when").fill("2026-01-02 03:04")
    live.get_by_label("From when").press("Enter")
    expect(live).to_have_url(re.compile(re.escape("since=2026-01-02T03%3A04%3A00%2B09%3A00")))
    until(lambda: int(re.sub(r"\D", "", live.locator(".count").inner_text()) or 0) > OLD, 30)


def test_the_whole_log_is_downloaded(live: Page, writer: ContainerFacts, tmp_path: Path) -> None:
    live.get_by_role("button", name="Download").click()
    with live.expect_download() as begun:
        live.get_by_role("menuitem", name="Whole log from the engine").click()
    begun.value.save_as(tmp_path / "log")
    lines = (tmp_path / "log").read_text("utf-8").splitlines()
    assert begun.value.suggested_filename == f"{writer.name}.log"
    assert lines[:OLD] == [f"old {n:07d}" for n in range(OLD)]
    assert lines[OLD] == "new 0000000"


def test_two_logs_side_by_side_are_two_views_and_merged_are_one(
    containers: Containers, console: ConsoleServer, page: Page, writer: ContainerFacts
) -> None:
    other = containers.python(SCRIPT.replace("new ", "other "), *NO_NETWORK)
    page.goto(f"{console.url}/logs?container={writer.name}&container={other.name}")
    expect(page.locator(".row", has_text="new ").last).to_be_visible(timeout=30_000)
    expect(page.locator(".row", has_text="other ").last).to_be_visible(timeout=30_000)
    expect(page.locator(".view")).to_have_count(1)
    page.get_by_text("Side by side").click()
    expect(page.locator(".view")).to_have_count(2)
    expect(page.locator(".view").nth(0).locator(".row", has_text="new ").last).to_be_visible(timeout=30_000)
    expect(page.locator(".view").nth(1).locator(".row", has_text="other ").last).to_be_visible(timeout=30_000)
