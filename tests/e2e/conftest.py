"""What the browser tests share: Chromium, and a console server on a port of its own."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e.recorded_pages import APP as RECORDED_APP
from tests.e2e.tabs import Tabs
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_S = 60
END_S = 60
expect.set_options(timeout=60_000)  # its own 5 s are too few for a busy machine
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium, headless.

    For a module, not for the session: while Playwright is open the thread has a running event loop, and any
    later test that calls `asyncio.run` would fail.
    """
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.fail(
            "The browser tests need Chromium, which is not on the PATH: on Debian and Ubuntu run "
            "`apt-get install chromium`.",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


class ConsoleServer:
    """A Streamlit server of ours as a child process, on one port through all its restarts."""

    def __init__(self, script, environment):
        self.script = script
        self.environment = {**os.environ, **environment}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        """Start it and return when it answers."""
        command = [sys.executable, "-m", "streamlit", "run", str(self.script)]
        options = {"server.port": self.port, "server.address": "127.0.0.1", "server.headless": "true"}
        self.process = subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.output = []
        threading.Thread(target=self._drain, args=(self.process, self.output), daemon=True).start()
        waiting = threading.Event()
        for _ in range(START_S * 20):
            if self.process.poll() is not None:
                pytest.fail(f"The console ended at its start:\n{self.text()}", pytrace=False)
            if self._healthy():
                return
            waiting.wait(0.05)
        pytest.fail(f"The console did not answer in {START_S} s:\n{self.text()}", pytrace=False)

    def stop(self):
        """Ask it to end, and fail when SIGTERM is not enough."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"SIGTERM did not end the console in {END_S} s:\n{self.text()}", pytrace=False)

    def kill(self):
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        """End it and start it again at the same address."""
        self.stop()
        self.start()

    def text(self):
        """What it has printed since its last start."""
        return "".join(self.output)

    def _healthy(self):
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    @staticmethod
    def _drain(process, output):
        with process.stdout as stream:
            for line in stream:
                output.append(line)


def _servers():
    """Makes running servers of scripts; each one must end by SIGTERM in the end."""
    servers = []

    def start(script, **environment):
        server = ConsoleServer(script, environment)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def console_server():
    """Makes a server for one test, which may end or restart it."""
    yield from _servers()


@pytest.fixture(scope="module")
def module_console_server():
    """Makes a server for all tests of a module, which leave it running."""
    yield from _servers()


@pytest.fixture(scope="module")
def recorded(module_console_server, tmp_path_factory):
    """Returns the console over what was recorded, `full` or `empty`; each is started once for a module."""
    known = {}

    def console(state):
        if state not in known:
            home = str(tmp_path_factory.mktemp(state))
            known[state] = module_console_server(RECORDED_APP, RECORDED=state, RECORDED_HOME=home)
        return known[state]

    return console


@pytest.fixture(scope="module")
def tabs(browser):
    """The tabs of all tests of a module."""
    return Tabs(browser)


@pytest.fixture
def new_page(tabs):
    """Opens pages that remember nothing; a script error in any of them fails the test."""

    def open_page(*, width=1440, height=900, scheme="light", fresh=False, **options):
        return tabs.lend(width=width, height=height, scheme=scheme, fresh=fresh, **options)

    yield open_page
    assert tabs.take_back() == []
