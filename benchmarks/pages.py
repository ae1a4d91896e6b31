"""The pages of a console with 1,000 kept runs, in a real browser: first views, reruns, live updates.

One run is made for real, with its live updates weighed; the others of the history are copies of its record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from benchmarks.figures import Report, Row, measured
from benchmarks.live_console import Console, chromium, console
from dashboard.store import Store

__all__ = ["NAME", "run"]

NAME: Final = "pages"

_RUNS: Final = 1_000
_FIRST_VIEW_S: Final = 2.0
_RERUN_MS: Final = 150.0
_UPDATE_KB: Final = 20.0
_PATIENCE_MS: Final = 120_000
_PAGES: Final = (
    "", "run", "sweep", "logs", "timeline", "history", "compare", "targets", "probe", "watch", "guide",
)  # fmt: skip
_DRAWN: Final = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# From the moment at which the browser says that the script runs to that at which it says that it has ended:
# the server's time, and the browser's own between the two
_WATCH: Final = """
window.__reruns = [];
let began = null;
new MutationObserver(() => {
  const state = document.querySelector("[data-testid=stApp]")?.getAttribute("data-test-script-state");
  if (state === "running") began ??= performance.now();
  else if (state === "notRunning" && began !== null) {
    window.__reruns.push(performance.now() - began);
    began = null;
  }
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-test-script-state"] });
"""


def run(rounds: int = 7) -> Report:
    """Measure each page in `rounds` new tabs, each with as many reruns. Some minutes.

    Raises:
        NoBrowser: no browser can be opened.
    """
    rows: list[Row] = []
    with console() as served, chromium() as browser:
        run_id, updates = _made(served, browser)
        _multiply(served, run_id)
        for page in _PAGES:
            views, reruns = _looked_at(served, browser, page, rounds)
            name = page or "launch"
            rows.append(measured(f"{name}: first view", "s", views, target=_FIRST_VIEW_S))
            rows.append(measured(f"{name}: rerun", "ms", reruns, target=_RERUN_MS))
        biggest = max(updates) / 1000
        rows.append(Row("live run: biggest update", biggest, "kB", target=_UPDATE_KB, note="after the first"))
        rows.append(measured("live run: update", "kB", [size / 1000 for size in updates]))
    return Report(
        NAME,
        f"Pages of a console with {_RUNS:,} runs",
        tuple(rows),
        (
            f"{rounds} new tabs for each page, nothing of the console in their cache. A first view ends when "
            "its title is shown and the script has ended. A rerun is the browser's word, and longer than the "
            "server's own time.",
        ),
    )


def _made(served: Console, browser: Any) -> tuple[str, list[int]]:
    """Make a run of 64 variants as an operator does; return its id, and the bytes of its live updates."""
    sizes: list[int] = []
    with _tab(browser) as page:
        page.on("websocket", lambda socket: _weigh(socket, sizes))
        page.goto(f"{served.url}/?variants_per_job=64")
        page.get_by_text("64 variants will be released").wait_for(timeout=_PATIENCE_MS)
        page.locator(".st-key-launch button").click()
        page.get_by_role("button", name="Run again").wait_for(timeout=_PATIENCE_MS)
        return page.url.split("run=")[1].split("&")[0], sizes[1:]  # the first is all of it


def _weigh(socket: Any, sizes: list[int]) -> None:
    if "/live/run" in socket.url:
        socket.on("framereceived", lambda payload: sizes.append(len(payload)))


def _multiply(served: Console, run_id: str) -> None:
    store = Store.open(f"sqlite:///{served.home}/history.db")
    try:
        record = store.load(run_id)
        assert record is not None  # it has just been made
        for place in range(1, _RUNS):
            created_at = record.created_at - 60 * place
            store.save(replace(record, run_id=f"20260101-{place:06d}-c0ffee", created_at=created_at))
    finally:
        store.close()


def _looked_at(served: Console, browser: Any, page: str, rounds: int) -> tuple[list[float], list[float]]:
    views: list[float] = []
    reruns: list[float] = []
    for _ in range(rounds):
        with _tab(browser) as tab:
            tab.add_init_script(_WATCH)
            began = time.monotonic()
            tab.goto(f"{served.url}/{page}")
            tab.locator("h1").first.wait_for(timeout=_PATIENCE_MS)
            tab.wait_for_selector(_DRAWN, timeout=_PATIENCE_MS)
            views.append(time.monotonic() - began)
            known = tab.evaluate("window.__reruns.length")
            tab.keyboard.press("r")
            tab.wait_for_function("known => window.__reruns.length > known", arg=known, timeout=_PATIENCE_MS)
            tab.wait_for_timeout(
                500
            )  # parts that run again by themselves are counted, too: the longest is it
            reruns.append(tab.evaluate("known => Math.max(...window.__reruns.slice(known))", known))
    return views, reruns


@contextmanager
def _tab(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        yield context.new_page()
    finally:
        context.close()
