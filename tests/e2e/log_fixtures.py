"""Fixtures of the live log's tests: sources, a console that shows them, pages on it."""

import itertools
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.log_rows import LogFile

APP = Path(__file__).with_name("log_app.py")
_NAMES = itertools.count(1)


@pytest.fixture(scope="module")
def log_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def shared_server(module_console_server, log_folder):
    """A server for all tests that leave it alone; each test has sources of its own."""
    return module_console_server(APP, LOG_APP_FOLDER=str(log_folder))


@pytest.fixture
def new_log(log_folder):
    """Makes sources; each has a name of its own."""
    return lambda: LogFile(log_folder, f"source-{next(_NAMES)}")


@pytest.fixture
def log(new_log):
    return new_log()


@pytest.fixture
def log_server(console_server, log_folder):
    """A server that the test may end."""
    return console_server(APP, LOG_APP_FOLDER=str(log_folder))


@pytest.fixture
def open_log(request, new_page, log):
    """Opens a page on the test's source, or on `logs`, and returns it when all of them are followed."""

    def open_page(address="", *, at=None, logs=None, state="Live", prepare=None, **options):
        page = new_page(fresh=prepare is not None, **options)
        if prepare:
            prepare(page)
        names = "&".join(f"source={each.name}" for each in logs or [log])
        page.goto(f"{(at or request.getfixturevalue('shared_server')).url}/?{names}{address}")
        expect(page.locator(".state-words")).to_have_text(state, timeout=30_000)
        return page

    return open_page
