"""A real console that is killed while a browser looks on, and one that ends a run of another process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket, expect

from dashboard.record import RunRecord
from dashboard.store import Store, store_url

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "dashboard" / "app.py"
LONG = 400  # repeats: a run that is still going on whenever a test looks
PATIENCE_MS = 180_000  # a bound for a stuck console, not a measure
STAGES = ("planned", "sent", "answered")


@pytest.fixture(scope="module")
def home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a history of its own and the demo checkpoint."""
    home = tmp_path_factory.mktemp("killed")
    (home / "checkpoints").symlink_to(demo_home / "checkpoints")
    return home


@pytest.fixture(scope="module")
def console(module_console_server: Callable[..., Any], home: Path) -> Any:
    return module_console_server(APP, LOADONCE_HOME=str(home), LOADONCE_DATABASE_URL="")


class Shown:
    """What the board of a run on `page` was sent so far, as `run_board.js` puts it together."""

    def __init__(self, page: Page) -> None:
        self.view: dict[str, Any] = {}
        page.on("websocket", self._follow)

    @property
    def judged(self) -> int:
        return sum(trial["tone"] == "green" for trial in self.view.get("trials", ()))

    def _follow(self, link: WebSocket) -> None:
        if "/live/run" in link.url:
            link.on("framereceived", self._take)

    def _take(self, frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "snapshot":
            self.view = message["view"]
        elif message["type"] == "update":
            changed = {row["id"]: row for row in message["rows"]}
            rows = [changed.get(row["id"], row) for row in self.view["rows"]]
            self.view = {**self.view, **message["view"], "rows": rows}


def settled(page: Page) -> None:
    """Wait until the page is drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def found(home: Path, run_id: str) -> RunRecord:
    with closing(Store.open(store_url(home))) as store:
        record = store.load(run_id)
    assert record is not None
    return record


def test_whatever_the_browser_was_shown_is_there_after_the_kill(
    console: Any, home: Path, new_page: Callable[..., Page]
) -> None:
    page = new_page(fresh=True)  # it listens: not for a test after this one
    shown = Shown(page)
    page.goto(f"{console.url}/?repeat={LONG}&control=false")
    settled(page)
    page.get_by_role("button", name=re.compile(r"^Launch\b")).click()
    for _ in range(PATIENCE_MS // 20):
        page.wait_for_timeout(20)  # its messages are heard meanwhile
        if shown.judged >= 2:
            break
    console.kill()  # at once: nothing that lags has a chance to catch up
    assert shown.judged >= 2
    run_id = shown.view["run_id"]

    console.start()
    page.goto(f"{console.url}/run?run={run_id}")
    expect(page.locator(".banner")).to_contain_text("The console ended", timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Run again", exact=True)).to_be_visible()
    record = found(home, run_id)
    assert record.status == "interrupted"
    told = [trial for trial in shown.view["trials"] if trial["place"] is not None]
    assert len(told) <= len(record.trials)
    for trial, kept in zip(told, record.trials, strict=False):
        assert trial["tone"] in ("running", kept.verdict and kept.verdict.verdict)
    if shown.view["trial"] is not None:
        variants = record.trials[shown.view["trial"] - 1].variants
        for row, variant in zip(shown.view["rows"], variants, strict=True):
            assert row["state"] not in STAGES or STAGES.index(row["state"]) <= STAGES.index(variant.state)


def test_an_operator_ends_a_run_that_another_process_makes(
    console: Any, home: Path, new_page: Callable[..., Page]
) -> None:
    command = [sys.executable, "-m", "dashboard", "run", "--repeat", str(LONG), "--no-control", "--json"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "LOADONCE_HOME": str(home), "LOADONCE_DATABASE_URL": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        page = new_page()
        page.goto(f"{console.url}/history")
        with closing(Store.open(store_url(home))) as store:
            running, tick = list[str](), threading.Event()
            while not running:
                assert process.poll() is None, process.communicate()
                tick.wait(0.2)
                running = [row.run_id for row in store.list() if row.status == "running"]
        (run_id,) = running
        page.goto(f"{console.url}/run?run={run_id}")
        settled(page)
        page.get_by_role("button", name="Abort", exact=True).click()
        out, _ = process.communicate(timeout=PATIENCE_MS / 1000)
        expect(page.locator(".banner")).to_contain_text("the run was stopped", timeout=PATIENCE_MS)
    finally:
        process.kill()
        process.wait()
    told = json.loads(out)
    assert (process.returncode, told["verdict"], told["run_id"]) == (3, "inconclusive", run_id)
    assert found(home, run_id).status == "aborted"
    with closing(Store.open(store_url(home))) as store:
        assert ("abort", "asked of its own console") in [
            (done.action, done.outcome) for done in store.actions() if done.run_id == run_id
        ]
