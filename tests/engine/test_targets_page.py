"""The pages of containers in a real browser, with a real engine behind them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import browser, console_server, new_page, tabs
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import PrivateEngine

__all__ = ["browser", "console_server", "new_page", "tabs"]  # fixtures

pytestmark = pytest.mark.browser

APP = ROOT / "dashboard" / "app.py"
SPINS = "held = bytearray(b'x') * (60 << 20)\nwhile True: pass"
SLEEP = "import time; time.sleep(600)"
# A bridge that changes while a page loads makes Chromium give up what it was loading
LABEL = ("--label", "loadonce.target=true", "--network", "host")
SERVICES = ("-v", f"{ROOT / 'tests' / 'services'}:/service:ro", "-w", "/service")
WAIT_MS = 60_000

Open = Callable[[str], Page]


@pytest.fixture
def tab(
    console_server: Callable[..., Any],
    new_page: Callable[..., Page],
    private: PrivateEngine,
    tmp_path: Path,
) -> Open:
    console = console_server(APP, **{**private.environment(), "LOADONCE_HOME": str(tmp_path)})

    def begin(path: str) -> Page:
        page = new_page()
        page.goto(f"{console.url}/{path}")
        return page

    return begin


def test_every_tab_sees_what_a_container_uses_and_the_page_outlives_its_engine(
    containers: Containers, private: PrivateEngine, tab: Open
) -> None:
    containers.python(SPINS, "--memory", "200m", "--cpus", "0.5", *LABEL)
    both = [tab("targets"), tab("targets")]
    for page in both:
        expect(page.get_by_text("In use now")).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_text(re.compile(r"CPU: [1-9]\d* % of a core, \d+ % of 0.5 cores"))).to_be_visible(
            timeout=WAIT_MS
        )
        expect(page.get_by_text(re.compile(r"Memory: 6\d MiB, 3\d % of its 200 MiB"))).to_be_visible()
    private.crash()
    try:
        expect(both[0].get_by_text("No Docker engine answers")).to_be_visible(timeout=WAIT_MS)
        expect(both[0].get_by_label("targets.toml")).to_be_enabled()
    finally:
        private.revive()
    expect(both[0].get_by_text(re.compile("Memory: 6"))).to_be_visible(timeout=WAIT_MS)


def test_a_probe_is_made_from_the_page_and_shown_in_every_tab(containers: Containers, tab: Open) -> None:
    container = containers.python(SLEEP, *LABEL, *SERVICES)
    page, other = tab(f"probe?container={container.name}"), tab("probe")
    page.get_by_label("Callable").fill("no_lock:get_model")
    page.get_by_label("Callable").press("Enter")
    page.get_by_text("Load the model a second time in it").click(timeout=WAIT_MS)
    page.get_by_role("button", name="Probe", exact=True).click(timeout=WAIT_MS)
    expect(page.get_by_text("Not loaded exactly once")).to_be_visible(timeout=WAIT_MS)
    other.reload()
    expect(other.get_by_text("Not loaded exactly once")).to_be_visible(timeout=WAIT_MS)
