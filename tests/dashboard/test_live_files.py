"""A whole log as a file: who gets it, what is in it, and that it holds up neither a reader nor a shutdown."""

import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.engine.faults import EngineError
from dashboard.evidence import LogLine
from dashboard.live import live_routes
from dashboard.live_access import LiveTokens
from dashboard.logs import LogRing
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.store import Store
from tests.ports import free_port

RUN = RunRecord("run-1", RunSettings(), "local", 1.0)
PROGRAM = "tests.dashboard.endless_log"


class RecordedLog:
    """A container's log as it was recorded, and perhaps a fault at its end."""

    def __init__(self, *texts, fault=None):
        self._texts, self.fault, self.closed = texts, fault, False

    def raws(self):
        yield []
        for text in self._texts:
            yield [("stdout", text)]

    def texts(self, raws):
        return [text for _, text in raws]

    def check_end(self):
        if self.fault:
            raise EngineError(self.fault)

    def close(self):
        self.closed = True


@dataclass
class Console:
    store: Store
    tokens: LiveTokens = field(default_factory=LiveTokens)
    containers: dict = field(default_factory=dict)
    records: dict = field(default_factory=dict)
    logs: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    @property
    def runner(self):
        return self

    def record(self, run_id):
        return self.records.get(run_id)

    def rings(self, run_id):
        return self.logs

    def container_logs(self, name):
        if name not in self.containers:
            raise EngineError(f"The container {name} is not shown here.")
        return self

    def whole_log(self, name, begin, until):
        self.asked.append((begin, until))
        return self.containers[name]


@pytest.fixture
def console(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    yield Console(store)
    store.close()


@pytest.fixture
def download(console):
    client = TestClient(Starlette(routes=live_routes(lambda: console, lambda record, trial: {})))

    def get(run, /, **changes):
        query = {"run": run, "token": console.tokens.issue(run)} | changes
        return client.get(f"/live/log-file?{urlencode(query)}")

    return get


def test_a_log_is_a_text_file_named_after_its_container(console, download):
    console.containers["yh"] = RecordedLog(b"one", b"two")
    answer = download("container:yh")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="yh.log"'
    assert answer.text == "one\ntwo\n"


def test_bytes_are_passed_on_as_the_container_wrote_them(console, download):
    written = b"\x1b[31mred\x1b[0m \xff\xfe 10%\r20% \xed\x95\x9c"
    console.containers["yh"] = RecordedLog(written)
    assert download("container:yh").content == written + b"\n"


def test_a_part_of_a_log_is_asked_of_the_engine(console, download):
    console.containers["yh"] = RecordedLog()
    download("container:yh", begin="5.5", until="7")
    assert console.asked == [(5.5, 7.0)]


def test_a_log_that_is_not_whole_says_so_in_its_last_line(console, download):
    console.containers["yh"] = RecordedLog(b"one", fault="The log of yh broke off in the middle.")
    lines = download("container:yh").text.splitlines()
    assert lines[0] == "one"
    assert lines[-1] == "-- This log is not whole: The log of yh broke off in the middle."


def test_the_reading_ends_with_the_answer(console, download):
    log = console.containers["yh"] = RecordedLog(b"one")
    download("container:yh")
    assert log.closed


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"token": "1.ff"}, 401, "Reload the page"),
        ({"run": "container:other"}, 401, "Reload the page"),
        ({"begin": "yesterday"}, 400, "no time in Unix seconds"),
    ],
)
def test_what_may_not_be_read_is_a_sentence_and_no_log(console, download, changes, status, words):
    console.containers = {"yh": RecordedLog(b"secret"), "other": RecordedLog(b"secret")}
    answer = download("container:yh", **changes)
    assert (answer.status_code, words in answer.text, "secret" in answer.text) == (status, True, False)
    assert len(answer.text.splitlines()) == 1


def test_a_container_that_is_not_shown_is_not_found(download):
    answer = download("container:hidden")
    assert (answer.status_code, answer.text) == (404, "The container hidden is not shown here.\n")


def test_the_kept_log_of_a_run_is_a_file_too(console, download):
    console.store.save(replace(RUN, status="finished"))
    kept = [LogLine("Trial 1", number, "stdout", 1.0, f"line {number} 한 \ud800") for number in range(6000)]
    console.store.save_log("run-1", "Trial 1", kept)
    answer = download("run-1", source="Trial 1")
    assert answer.headers["content-disposition"] == 'attachment; filename="run-1-Trial-1.log"'
    assert answer.text.splitlines() == [f"line {number} 한 ?" for number in range(6000)]


def test_the_log_of_a_run_under_way_is_what_there_is_by_now(console, download):
    console.records["run-1"] = RUN
    ring = console.logs["Trial 1"] = LogRing("Trial 1", max_lines=2)
    ring.append("stdout", 1.0, ["gone", "kept", "newest"])
    assert (
        download("run-1", source="Trial 1").text == "-- Lines that are no longer kept here: 1\nkept\nnewest\n"
    )


def test_an_unknown_run_is_not_found(download):
    assert download("run-2", source="Trial 1").status_code == 404


# ---------------------------------------------------------------- a real server


@pytest.fixture
def endless(tmp_path):
    port = free_port()
    token = tmp_path / "token"
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-m", PROGRAM, str(port), str(token)], cwd=root) as process:
        yield process, port, token
        process.kill()


def begin(process, port, token):
    """Ask for the log as a browser does, and read its beginning only."""
    tick = threading.Event()
    while process.poll() is None:
        try:
            link = socket.create_connection(("127.0.0.1", port), timeout=20)
            break
        except ConnectionRefusedError:
            tick.wait(0.05)
    asked = urlencode({"run": "container:yh", "token": token.read_text("utf-8")})
    link.sendall(f"GET /live/log-file?{asked} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert link.recv(100).startswith(b"HTTP/1.1 200")
    return link


def test_a_browser_that_has_stopped_reading_does_not_hold_up_a_shutdown(endless):
    process, port, token = endless
    with begin(process, port, token):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)


def test_a_browser_that_reads_does_not_hold_up_a_shutdown_either(endless):
    process, port, token = endless
    with begin(process, port, token) as link:
        process.send_signal(signal.SIGTERM)
        try:
            while link.recv(1 << 20):
                pass
        except ConnectionError:
            pass
        assert process.wait(20) in (0, -signal.SIGTERM)
