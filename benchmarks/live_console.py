"""A real console, and browser tabs on a container's live log that note when each line was on the screen."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["CHART_DRAWN", "Console", "LogTab", "NoBrowser", "chromium", "console", "tabs"]

CHART_DRAWN: Final = """() => {
  const drawn = (root) => [...root.querySelectorAll("*")].some(
    (each) => each._fullData || (each.shadowRoot && drawn(each.shadowRoot)));
  return drawn(document);
}"""
"""Tells in a page whether a chart is drawn, which stands in a component's shadow root."""

_PROJECT: Final = Path(__file__).resolve().parent.parent
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_PATIENCE_MS: Final = 60_000
# Batches are noted as they come in. They are on the screen when the list's newest row is theirs or a later
# one, and the frame after that one has begun: then it was painted.
_NOTES: Final = """
(() => {
  const PRINTED = /(\\d{10}\\.\\d{6}) printed/;
  const notes = { lines: 0, skipped: 0, next: null, holes: 0, newest: -1, late: [], pending: [], drawn: [] };
  window.__notes = notes;
  const deep = (root, selector) => {
    const found = root.querySelector(selector);
    if (found) return found;
    for (const each of root.querySelectorAll("*")) {
      const inner = each.shadowRoot && deep(each.shadowRoot, selector);
      if (inner) return inner;
    }
    return null;
  };
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      if (!String(given[0]).includes("/live/logs")) return;
      this.addEventListener("message", (message) => {
        const batch = JSON.parse(message.data), printed = [];
        for (const [number, , , text] of batch.lines) {
          if (notes.next !== null && number !== notes.next) notes.holes++;
          notes.next = number + 1;
          const found = PRINTED.exec(text);
          if (found) printed.push(Number(found[1]));
        }
        notes.lines += batch.lines.length;
        notes.skipped += batch.skipped;
        if (printed.length) notes.pending.push({ last: notes.next - 1, printed });
      });
    }
  };
  let list = null;
  const look = () => {
    const now = Date.now() / 1000;
    for (const batch of notes.drawn) for (const at of batch.printed) notes.late.push(now - at);
    notes.drawn = [];
    if (!list || !list.isConnected) list = deep(document, ".view .window");
    const row = list && list.lastElementChild;
    if (row && row.dataset.number) notes.newest = Number(row.dataset.number);
    const { pending, drawn, newest } = notes;
    while (pending.length && pending[0].last <= newest) drawn.push(pending.shift());
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


class NoBrowser(RuntimeError):
    """No browser can be opened. The message says what to install."""


@dataclass(frozen=True, slots=True)
class Console:
    """A console that runs: its address, its process, and its data folder."""

    url: str
    pid: int
    home: Path


class LogTab:
    """One tab on a container's live log. For the thread that opened it."""

    def __init__(self, page: Any, url: str) -> None:
        self._page = page
        page.add_init_script(_NOTES)
        page.goto(url)
        page.wait_for_function("window.__notes.lines > 0", timeout=_PATIENCE_MS)

    def begin(self) -> None:
        """Forget the lines so far."""
        self._page.evaluate("Object.assign(window.__notes, { lines: 0, skipped: 0, holes: 0, late: [] })")

    def wait(self, lines: int, timeout_s: float) -> None:
        """Wait until so many lines came since `begin`, or were skipped, and the newest was drawn."""
        self._page.wait_for_function(
            "(lines) => { const { lines: come, skipped, pending, drawn } = window.__notes;"
            "  return come + skipped >= lines && !pending.length && !drawn.length; }",
            arg=lines,
            timeout=timeout_s * 1000,
        )

    def pause(self, seconds: float) -> None:
        """Let so much time go by; the browser's messages are heard meanwhile."""
        self._page.wait_for_timeout(seconds * 1000)

    def count(self) -> int:
        """How many lines came since `begin`, or were skipped."""
        return int(self._page.evaluate("window.__notes.lines + window.__notes.skipped"))

    def seen(self) -> dict[str, Any]:
        """What was noted: `lines`, `skipped`, `holes`, `next`, and how `late` each line was on the screen."""
        found: dict[str, Any] = self._page.evaluate("window.__notes")
        return found


@contextmanager
def console(prepare: Callable[[Path], None] = lambda home: None) -> Iterator[Console]:
    """Start the console as a user does, on a port and with a data folder of its own; end it by SIGTERM.

    `prepare` may put something into the folder before.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="loadonce-benchmark-") as home:
        prepare(Path(home))
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "serve", "--port", str(port)],
            cwd=_PROJECT,
            env={**os.environ, "LOADONCE_HOME": home},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None  # it is a pipe
        try:
            said = process.stdout.readline()
            while said and "Loadonce is at" not in said:
                said = process.stdout.readline()
            if not said:
                raise RuntimeError("The console ended at its start: `python -m dashboard serve` tells why.")
            yield Console(f"http://127.0.0.1:{port}", process.pid, Path(home))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a headless Chromium.

    Raises:
        NoBrowser: there is none, or no Playwright.
    """
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright  # late: no other benchmark needs it
    except ImportError:
        path = None
    if path is None:
        raise NoBrowser(
            "Live figures need Chromium and Playwright: `apt-get install chromium`, and what "
            "requirements-dev.txt lists."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tabs(console: Console, name: str, count: int) -> Iterator[list[LogTab]]:
    """Open the live log of the container `name` in so many tabs of a headless Chromium.

    Raises:
        NoBrowser: as `chromium`.
    """
    with chromium() as browser:
        yield [LogTab(browser.new_page(), f"{console.url}/logs?container={name}") for _ in range(count)]
