"""What a container loaded, and when, from its log alone: read from a real engine, and shown in a browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from dashboard.engine.connection import Engine
from dashboard.engine.faults import EngineError
from dashboard.history_reader import HistoryReader
from dashboard.load_history import read_history
from tests.e2e.conftest import CHROMIUM_FLAGS, ROOT, ConsoleServer
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until

# Two loads that lie over each other in each life of its process, and a meta tensor error
SERVICE = """
import time
say = lambda text: print(text, flush=True)
say('INFO:     Started server process [7]')
say('Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda')
say('Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda')
[say(f'chatter {n}') for n in range(200)]
say('NotImplementedError: Cannot copy out of meta tensor; no data!')
say('LLaVa model loaded successfully on cuda')
say('the end')
time.sleep(600)
"""
NO_NETWORK = ("--network", "none")


@pytest.fixture
def reader(private: PrivateEngine) -> Iterator[HistoryReader]:
    opened = HistoryReader(None, lambda: Engine.open(private.environment()))
    yield opened
    opened.close()


def restarted_service(containers: Containers) -> str:
    """A container whose process has been ended and started again once."""
    container = containers.python(SERVICE, *NO_NETWORK)

    def ends() -> int:
        return containers.private.client("logs", container.name).stdout.count("the end")

    until(lambda: ends() == 1, 60)
    containers.engine.restart(container, grace=0)
    until(lambda: ends() == 2, 60)
    return container.name


def test_loads_overlaps_errors_restarts_and_lines_are_read_from_the_log_of_the_last_hour(
    containers: Containers, engine: Engine
) -> None:
    name = restarted_service(containers)
    history = read_history(engine, name, 3600)
    assert [(span.life, span.overlaps) for span in history.spans] == [
        (0, True),
        (0, True),
        (1, True),
        (1, True),
    ]
    assert history.meta_errors == 2
    assert history.ends is not None
    assert [(end.status, end.asked) for end in history.ends] == [(-9, True)]
    assert history.lines == sum(count for _begin, count in history.volume) == 2 * 206
    assert (history.running, history.problem, history.beyond) == (False, "", 0)
    early = read_history(engine, name, 3600, now=lambda: history.window.begin)
    assert (early.lines, early.spans) == (0, ())


def test_it_is_read_in_the_background_once_for_all_who_ask(
    containers: Containers, reader: HistoryReader
) -> None:
    name = restarted_service(containers)
    assert reader.history(name, "1h").running
    until(lambda: not reader.history(name, "1h").running, 60)
    whole = reader.history(name, "1h")
    assert whole.history is not None
    assert len(whole.history.spans) == 4
    assert reader.history(name, "1h") is whole
    assert reader.history(name, "1h", anew=True).running
    error = next(event for event in whole.history.events if event.kind == "meta_tensor_error")
    at = error.time + whole.history.ahead
    until(lambda: not reader.lines(name, at).running, 60)
    line = reader.lines(name, at).found.line
    assert line is not None
    assert "meta tensor" in line.text


def test_a_container_that_is_not_there_is_told_and_can_be_asked_for_again(
    engine: Engine, reader: HistoryReader
) -> None:
    with pytest.raises(EngineError, match="nobody"):
        read_history(engine, "nobody", 3600)
    reader.history("nobody", "24h")
    until(lambda: not reader.history("nobody", "24h").running, 60)
    assert "nobody" in reader.history("nobody", "24h").problem
    reader.lines("nobody", 1.0)
    until(lambda: not reader.lines("nobody", 1.0).running, 60)
    assert "nobody" in reader.lines("nobody", 1.0).problem


@pytest.mark.browser
def test_the_page_of_a_container_shows_its_loads_and_the_log_of_a_moment(
    containers: Containers, private: PrivateEngine, tmp_path: Path
) -> None:
    name, path = restarted_service(containers), shutil.which("chromium")
    if path is None:
        pytest.fail("These tests need Chromium: apt-get install chromium", pytrace=False)
    environment = {**private.environment(), "LOADONCE_HOME": str(tmp_path)}
    server = ConsoleServer(ROOT / "dashboard" / "app.py", environment)
    server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 1100})
            page.set_default_timeout(30_000)
            page.goto(f"{server.url}/timeline?container={name}&last=1h")
            expect(page.get_by_text("4 loads.")).to_be_visible(timeout=60_000)
            expect(page.get_by_text("Its process ended 1 time.")).to_be_visible()
            page.get_by_role("button", name="Next mark").press("Enter")
            page.get_by_role("button", name="Show the log lines of this mark").press("Enter")
            expect(page.get_by_test_id("stCode")).to_contain_text(re.compile("▶ .*Loading LLaVa model"))
            page.get_by_role("link", name="Open the log there").click()
            page.wait_for_url(re.compile(rf"/logs\?.*of={name}"))
            expect(page.get_by_role("log").get_by_text("Loading LLaVa model").first).to_be_visible()
            browser.close()
    finally:
        server.stop()
