"""The pages of the recorded console (`recorded_app.py`), by name, each with an address that fills it."""

import re
from pathlib import Path

from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "tests" / "e2e" / "recorded_app.py"
GREEN, RED, GOING = "20261123-084512-3f9c1a", "20261123-084600-77aa01", "20261123-084700-99bb02"
ADDRESSES = {
    "launch": "/",
    "run": f"/run?run={GREEN}",
    "run-red": f"/run?run={RED}",
    "run-going": f"/run?run={GOING}",
    "logs": f"/logs?run={GREEN}",
    "logs-containers": "/logs?container=yh&container=postgres",
    "timeline": f"/timeline?run={GREEN}",
    "compare": f"/compare?before={GREEN}&after={RED}",
}
"""Where a page has more than one face, or needs to be told what to show; the others are at their own name."""
FRAME = (ROOT / "dashboard" / "frame.py").read_text("utf-8")
PAGES = sorted(set(re.findall(r'st\.Page\(\s*"app_pages/(\w+)\.py"', FRAME)))
PLACES = sorted({*PAGES, *ADDRESSES})


def address(place: str) -> str:
    """Where `place` is found, below the console's own address."""
    return ADDRESSES.get(place, f"/{place}")


def visit(page, console, place: str) -> None:
    """Open a page and wait until it is drawn and nothing on it broke."""
    page.goto(f"{console.url}{address(place)}")
    settled(page)


def settled(page) -> None:
    """Wait until the page is drawn, and hold that nothing on it broke."""
    expect(page.locator("h1").first).to_be_visible()
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    expect(page.locator('[data-testid="stSkeleton"]')).to_have_count(0)
