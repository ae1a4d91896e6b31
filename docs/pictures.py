"""Makes the pictures of the README from the real console: `make pictures`."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect, sync_playwright

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = ROOT / "docs" / "images"
PORT: Final = 18766
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
VARIANTS: Final = 8


def main() -> None:
    """Start a console with an empty history, make a green and a red run, and take their pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("The pictures need Chromium: on Debian and Ubuntu run `apt-get install chromium`.")
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "LOADONCE_DATABASE_URL": f"sqlite:///{folder}/history.db"}
        command = [sys.executable, "-m", "dashboard", "serve", "--port", str(PORT)]
        console = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        try:
            assert console.stdout is not None  # asked for with PIPE
            console.stdout.readline()  # it says its address when it takes connections
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
                _picture(browser, "run-green", guard="On", scheme="light", width=1440, height=1010)
                _picture(browser, "run-red", guard="Off", scheme="dark", width=1440, height=1010)
                browser.close()
        finally:
            console.send_signal(signal.SIGTERM)
            console.wait()


def _picture(browser: Browser, name: str, *, guard: str, scheme: str, width: int, height: int) -> None:
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.goto(f"http://127.0.0.1:{PORT}")
    page.get_by_label("Variants per job", exact=True).fill(str(VARIANTS))
    page.get_by_label("Variants per job", exact=True).press("Enter")
    page.get_by_text(guard, exact=True).click()
    page.get_by_text(re.compile(rf"^{VARIANTS} variants will be released")).wait_for()
    page.get_by_role("button", name="Launch", exact=True).click()
    page.get_by_role("button", name="Run again").wait_for(timeout=60_000)
    expect(page.locator(".figure").first).to_be_visible()
    page.wait_for_timeout(1500)  # the chart below the board comes in
    page.screenshot(path=IMAGES / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
