"""The pages of a console with 1,000 kept runs, in a real browser: first views, reruns, live updates.

One run is made for real, with its live updates weighed; the others of the history are copies of its record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from benchmarks.figures import Report, Row, measured
from benchmarks.live_console import CHART_DRAWN, Console, chromium, console
from benchmarks.page_wire import PageWire
from dashboard.store import Store

__all__ = ["NAME", "PAGES", "run"]

NAME: Final = "pages"
PAGES: Final = (
    "", "run", "sweep", "logs", "timeline", "history", "compare", "targets", "probe", "watch", "guide",
)  # fmt: skip
"""Each by its place below the console's address."""

_FIRST_VIEW_S: Final = 2.0
_RERUN_MS: Final = 150.0
_UPDATE_KB: Final = 20.0
_PATIENCE_MS: Final = 120_000
_WITH_CHARTS: Final = ("run", "timeline", "compare")
_DRAWN: Final = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_LATER_MS: Final = 500
"""What a page asks for by itself comes by then."""
_TRIES: Final = 12
_ANSWER_MS: Final = 10_000
_LISTEN_MS: Final = 20


def run(rounds: int = 7, runs: int = 1_000, variants: int = 64, pages: Sequence[str] = PAGES) -> Report:
    """Measure each page in `rounds` new tabs, each with a rerun. Some minutes.

    Raises:
        NoBrowser: no browser can be opened.
    """
    rows: list[Row] = []
    most_runs = 0
    with console() as served, chromium() as browser:
        first, _rerun, _runs = _looked_at(served, browser, pages[0])
        rows.append(
            Row("a fresh browser right after the start: first view", first, "s", target=_FIRST_VIEW_S)
        )
        run_id, updates = _made(served, browser, variants)
        _multiply(served, run_id, runs)
        for page in pages:
            looks = [_looked_at(served, browser, page) for _ in range(rounds)]
            views, reruns = [look[0] for look in looks], [look[1] * 1000 for look in looks]
            most_runs = max(most_runs, *(look[2] for look in looks))
            name = page or "launch"
            rows.append(measured(f"{name}: first view", "s", views, target=_FIRST_VIEW_S))
            rows.append(measured(f"{name}: rerun", "ms", reruns, target=_RERUN_MS))
        rows.append(Row("any page: script runs of a first view, at most", most_runs, "runs", target=1))
        sizes = [size / 1000 for size in updates]
        rows.append(Row("live run: biggest update", max(sizes), "kB", target=_UPDATE_KB))
        rows.append(measured("live run: update", "kB", sizes))
    return Report(
        NAME,
        f"Pages of a console with {runs:,} runs",
        tuple(rows),
        (
            f"{rounds} new tabs for each page, nothing of the console in their cache. A first view ends when "
            "its title is shown, the script has ended, and a chart is drawn where there is one. A rerun is "
            "the server's: from the message that asks for it to the one that ends it, on the browser's wire. "
            f"An update is all that one part of the page gets at one moment of a run of {variants} variants.",
        ),
    )  # fmt: skip


def _made(served: Console, browser: Any, variants: int) -> tuple[str, list[int]]:
    """Make a run as an operator does; return its id, and the bytes of its live updates."""
    with _tab(browser) as (page, wire):
        page.goto(f"{served.url}/?variants_per_job={variants}")
        page.get_by_text(f"{variants} variants will be released").wait_for(timeout=_PATIENCE_MS)
        page.wait_for_selector(
            _DRAWN, timeout=_PATIENCE_MS
        )  # what is pressed before may be drawn anew under it
        page.locator(".st-key-launch button").click()
        page.get_by_role("button", name="Run again").wait_for(timeout=_PATIENCE_MS)
        return page.url.split("run=")[1].split("&")[0], wire.updates


def _multiply(served: Console, run_id: str, runs: int) -> None:
    store = Store.open(f"sqlite:///{served.home}/history.db")
    try:
        record = store.load(run_id)
        assert record is not None  # it has just been made
        for place in range(1, runs):
            created_at = record.created_at - 60 * place
            store.save(replace(record, run_id=f"20260101-{place:06d}-c0ffee", created_at=created_at))
    finally:
        store.close()


def _looked_at(served: Console, browser: Any, page: str) -> tuple[float, float, int]:
    """Return the seconds of a first view and of a rerun, and how often the script ran for the first."""
    with _tab(browser) as (tab, wire):
        began = time.monotonic()
        tab.goto(f"{served.url}/{page}")
        tab.locator("h1").first.wait_for(timeout=_PATIENCE_MS)
        tab.wait_for_selector(_DRAWN, timeout=_PATIENCE_MS)
        if page in _WITH_CHARTS:
            tab.wait_for_function(CHART_DRAWN, timeout=_PATIENCE_MS)
        view = time.monotonic() - began
        tab.wait_for_timeout(_LATER_MS)
        known, runs = len(wire.whole_runs), len(wire.whole_runs) + wire.interrupted
        return view, _rerun(tab, wire, known), runs


def _rerun(tab: Any, wire: PageWire, known: int) -> float:
    """Ask for another run by the key for it, and return its seconds."""
    for _ in range(_TRIES):  # while a part of the page runs by itself, the browser does not hear the key
        tab.keyboard.press("r")
        for _ in range(_ANSWER_MS // _LISTEN_MS):
            tab.wait_for_timeout(_LISTEN_MS)  # its messages are heard meanwhile
            if len(wire.whole_runs) > known:
                return wire.whole_runs[known]
    raise RuntimeError("The page did not run again, though it was asked to many times.")


@contextmanager
def _tab(browser: Any) -> Iterator[tuple[Any, PageWire]]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        yield page, PageWire(context.new_cdp_session(page))
    finally:
        context.close()
