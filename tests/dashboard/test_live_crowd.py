"""Many tabs on one run: each ends with the same rows, verdict and lines, whenever it was opened."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.engine.shelf import ContainerShelf
from dashboard.live import live_routes
from dashboard.live_access import LiveTokens
from dashboard.phases import board_view
from dashboard.runs import Runner
from dashboard.settings import RunSettings
from dashboard.store import Store

pytestmark = pytest.mark.model

TABS = 10
VARIANTS = 20


@dataclass
class Console:
    """What the live routes need of a console."""

    runner: Runner
    store: Store
    tokens: LiveTokens

    def container_logs(self, name: str) -> ContainerShelf:
        raise AssertionError(name)  # nobody asks


class Tab:
    """What the board in a browser does with what it is sent; see `receive` in run_board.js."""

    def __init__(self) -> None:
        self.view: dict[str, Any] = {}

    def receive(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "snapshot":
            self.view = dict(message["view"])
        elif message["type"] == "update":
            changed = {row["id"]: row for row in message["rows"]}
            rows = [changed.get(row["id"], row) for row in self.view["rows"]]
            self.view = {**self.view, **message["view"], "rows": rows}

    @property
    def picture(self) -> dict[str, Any]:
        return {name: value for name, value in self.view.items() if name != "now"}


def test_ten_tabs_on_one_run_end_with_the_same_picture_and_the_same_lines(
    runner: Runner, store: Store
) -> None:
    console = Console(runner, store, LiveTokens())
    client = TestClient(Starlette(routes=live_routes(lambda: console, board_view)))
    run_id = runner.launch(RunSettings(variants_per_job=VARIANTS, repeat=2), actor="ann")
    query = urlencode({"run": run_id, "token": console.tokens.issue(run_id), "source": "trial-1"})
    # Half of them are there from the start, the others come in the middle
    in_the_middle = threading.Event()

    def look(number: int) -> dict[str, Any]:
        if number % 2:
            assert in_the_middle.wait(300)
        tab = Tab()
        with client.websocket_connect(f"/live/run?{query}") as live:
            while (message := live.receive_json())["type"] != "end":
                tab.receive(message)
                if any(row["state"] != "planned" for row in tab.view["rows"]) or not tab.view["running"]:
                    in_the_middle.set()
        return tab.picture

    def read(number: int) -> list[Any]:
        lines: list[Any] = []
        with client.websocket_connect(f"/live/logs?{query}") as live:
            while not (batch := live.receive_json())["closed"]:
                lines += batch["lines"]
                live.send_text("ok")
            return [*lines, *batch["lines"]]

    with ThreadPoolExecutor(2 * TABS) as tabs:
        pictures = [tabs.submit(look, number) for number in range(TABS)]
        logs = [tabs.submit(read, number) for number in range(TABS)]
        shown = [each.result(300) for each in pictures]
        told = [each.result(300) for each in logs]
    kept = store.load(run_id)
    assert kept is not None
    # What the history holds, drawn at once, is what each of them came to step by step
    right = {name: value for name, value in board_view(kept).items() if name != "now"}
    assert [name for name in right if right[name] != shown[0].get(name)] == []
    assert shown == [shown[0]] * TABS
    assert shown[0]["banner"]["tone"] == "green"
    assert [row["state"] for row in shown[0]["rows"]] == ["answered"] * VARIANTS
    lines = [[line.number, line.stream, line.time, line.text] for line in store.log(run_id, "trial-1")]
    assert told == [lines] * TABS
