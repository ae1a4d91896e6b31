"""The Watch page over a real container, in a real browser: every tab sees it, and a new console goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chat import SECRET, Chat, open_chat
from tests.e2e.conftest import browser, console_server, new_page, tabs
from tests.engine.command_line import SLEEP, shown
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import PrivateEngine, until
from tests.engine.test_watch import WHEN_TOLD

__all__ = ["browser", "console_server", "new_page", "tabs"]  # fixtures

pytestmark = pytest.mark.browser

WAIT_MS = 60_000
NO_NETWORK = ("--network", "none")  # its coming and going would make Chromium drop what it is loading


@pytest.fixture
def chat() -> Iterator[Chat]:
    with open_chat() as chat:
        yield chat


@pytest.fixture
def console(console_server: Callable[..., Any], private: PrivateEngine, chat: Chat, tmp_path: Path) -> Any:
    environment = {**private.environment(), "LOADONCE_HOME": str(tmp_path), "LOADONCE_WEBHOOK_URL": chat.url}
    return console_server(ROOT / "dashboard" / "app.py", **environment)


def test_a_second_load_alarms_in_every_tab_and_after_a_restart_of_the_console(
    containers: Containers, console: Any, chat: Chat, new_page: Callable[..., Page]
) -> None:
    container = containers.python(WHEN_TOLD + SLEEP, *NO_NETWORK)
    shown(containers, container.name, "successfully")
    mine, other = new_page(), new_page()
    for page in (mine, other):
        page.goto(f"{console.url}/watch?container={container.name}")
        expect(page.get_by_text("Nothing is watched yet.")).to_be_visible(timeout=WAIT_MS)
    mine.get_by_role("button", name="Begin the watch").click()
    for page in (mine, other):  # the one that nobody touched, too
        expect(page.get_by_text("Loaded as it should be")).to_be_visible(timeout=WAIT_MS)
    assert chat.seen == []
    chat.answers = [404]
    containers.private.client("exec", container.name, "python3", "-c", "open('/tmp/again', 'w')")
    for page in (mine, other):
        expect(page.get_by_text("The model was loaded 2 times in").first).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_text("1 watched container is in alarm.")).to_be_visible(timeout=WAIT_MS)
    until(lambda: len(chat.seen) == 1, 60)
    lost = f"The alert about the container {container.name} did not reach 127.0.0.1: HTTP 404."
    expect(other.get_by_text(lost).first).to_be_visible(timeout=WAIT_MS)
    until(lambda: lost in console.text(), 60)
    assert SECRET not in console.text()
    console.restart()
    mine.goto(f"{console.url}/watch")
    expect(mine.get_by_text("The model was loaded 2 times in").first).to_be_visible(timeout=WAIT_MS)
    expect(mine.get_by_text("1 watched container is in alarm.")).to_be_visible(timeout=WAIT_MS)
    mine.get_by_role("button", name="End the watch").click()
    expect(mine.get_by_text("Nothing is watched yet.")).to_be_visible(timeout=WAIT_MS)
    expect(mine.get_by_text("1 watched container is in alarm.")).to_be_hidden(timeout=WAIT_MS)
    assert len(chat.seen) == 1  # the life that was read anew alarmed nobody anew
