"""The live routes over a WebSocket: who is let in, what flows, and that an open page holds up no shutdown."""

import asyncio
import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect

from dashboard.chart_library import LIBRARY_VERSION
from dashboard.engine.faults import EngineError
from dashboard.engine.shelf import OtherNumbers
from dashboard.engine.viewed import OpenLog
from dashboard.evidence import LogLine
from dashboard.live import FAILED, TOKEN_REFUSED, UNKNOWN_RUN, live_routes
from dashboard.live_access import LiveTokens
from dashboard.live_assets import PLOTLY_PATH
from dashboard.log_range import LogRange
from dashboard.logs import LogRing
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.store import Store

RUN = RunRecord("run-1", RunSettings(), "local", 1.0)


@dataclass
class RememberedRuns:
    """The runs of one process, as the runner shows them."""

    records: dict = field(default_factory=dict)
    logs: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)

    def record(self, run_id):
        return self.records.get(run_id)

    def version(self, run_id):
        return self.versions.get(run_id, 0)

    def rings(self, run_id):
        return self.logs.get(run_id, {})

    def change(self, record):
        self.records[record.run_id] = record
        self.versions[record.run_id] = self.versions.get(record.run_id, 0) + 1


@dataclass
class Console:
    runner: RememberedRuns
    store: Store
    tokens: LiveTokens
    containers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    released: list = field(default_factory=list)

    def container_logs(self, name):
        if name not in self.containers:
            raise EngineError(f"The container {name} is not shown here.")
        return self

    def log(self, name, wanted, since):
        if wanted.log == "of before":
            raise OtherNumbers(f"The log of {name} was opened anew meanwhile.")
        self.asked.append((wanted, since))
        return OpenLog(self.containers[name], lambda: since, lambda: self.released.append(name))


def board(record, trial):
    return {"step": record.step, "trial": trial, "rows": []}


@pytest.fixture
def console(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    yield Console(RememberedRuns(), store, LiveTokens())
    store.close()


@pytest.fixture
def client(console):
    return TestClient(Starlette(routes=live_routes(lambda: console, board)))


@pytest.fixture
def ring(console):
    console.runner.change(RUN)
    console.runner.logs["run-1"] = {"Trial 1": LogRing("Trial 1")}
    return console.runner.logs["run-1"]["Trial 1"]


def logs_url(console, **changes):
    query = {
        "run": "run-1",
        "source": "Trial 1",
        "since": "0",
        "token": console.tokens.issue("run-1"),
        **changes,
    }
    return f"/live/logs?{urlencode(query)}"


def close_code(client, url):
    with client.websocket_connect(url) as live, pytest.raises(WebSocketDisconnect) as closed:
        live.receive_text()
    return closed.value.code


def all_lines(client, url):
    lines = []
    with client.websocket_connect(url) as live:
        while True:
            batch = live.receive_json()
            lines += batch["lines"]
            if batch["closed"]:
                return lines
            live.send_text("ok")


# ---------------------------------------------------------------- who is let in


def test_our_own_page_with_its_token_is_let_in(console, client, ring):
    ring.append("stdout", 1.0, ["hello"])
    ring.close()
    assert all_lines(client, logs_url(console)) == [[0, "stdout", 1.0, "hello"]]


@pytest.mark.parametrize("path", ["/live/logs", "/live/run"])
def test_a_wrong_token_is_refused(console, client, ring, path):
    url = logs_url(console, token="1.ff").replace("/live/logs", path)
    assert close_code(client, url) == TOKEN_REFUSED


def test_a_token_of_another_run_is_refused(console, client, ring):
    assert close_code(client, logs_url(console, token=console.tokens.issue("run-2"))) == TOKEN_REFUSED


def container_url(console, name, **changes):
    run = f"container:{name}"
    return logs_url(console, run=run, token=console.tokens.issue(run), **changes)


def test_a_token_of_one_container_opens_no_other(console, client):
    for name in ("mine", "other"):
        console.containers[name] = LogRing(name)
        console.containers[name].append("stdout", 1.0, [f"said by {name}"])
        console.containers[name].close()
    lines = all_lines(client, container_url(console, "mine", source="other"))
    assert [line[3] for line in lines] == ["said by mine"]


def test_a_container_that_is_not_shown_is_refused(console, client):
    assert close_code(client, container_url(console, "hidden")) == UNKNOWN_RUN


def test_the_part_of_a_log_that_the_page_chose_is_asked_for_and_let_go_in_the_end(console, client):
    console.containers["yh"] = LogRing("yh")
    console.containers["yh"].close()
    all_lines(
        client, container_url(console, "yh", begin="1763881847.5", until="1763881900", tail="20", log="ab")
    )
    assert console.asked == [(LogRange(1763881847.5, 1763881900.0, 20, None, "ab"), 0)]
    assert console.released == ["yh"]


@pytest.mark.parametrize("pair", [{"begin": "yesterday"}, {"until": "-1"}, {"tail": "0"}, {"at": "1e9"}])
def test_a_part_that_is_none_is_refused_in_words(console, client, pair):
    console.containers["yh"] = LogRing("yh")
    url = container_url(console, "yh", **pair)
    with client.websocket_connect(url) as live, pytest.raises(WebSocketDisconnect) as closed:
        live.receive_text()
    assert closed.value.code == UNKNOWN_RUN
    assert " is no " in closed.value.reason


def test_a_page_that_knows_old_line_numbers_is_told_to_ask_for_the_new_ones(console, client):
    console.containers["yh"] = LogRing("yh")
    assert close_code(client, container_url(console, "yh", log="of before")) == TOKEN_REFUSED


def test_a_token_of_the_console_before_its_restart_is_refused(console, client, ring):
    url = logs_url(console)
    console.tokens = LiveTokens()
    assert close_code(client, url) == TOKEN_REFUSED


@pytest.mark.parametrize("path", ["/live/logs", "/live/run"])
def test_an_unknown_run_is_refused(console, client, path):
    assert close_code(client, logs_url(console).replace("/live/logs", path)) == UNKNOWN_RUN


def test_an_unknown_source_of_an_ended_run_is_refused(console, client, ring):
    console.runner.change(replace(RUN, status="finished"))
    assert close_code(client, logs_url(console, source="Control")) == UNKNOWN_RUN


def test_a_store_that_fails_closes_the_connection_with_a_code(console, client):
    console.store.close()
    console.store = None
    assert close_code(client, logs_url(console)) == FAILED


# ---------------------------------------------------------------- what flows


def test_a_log_is_resumed_at_since(console, client, ring):
    ring.append("stdout", 1.0, ["a", "b", "c"])
    ring.close()
    assert [line[3] for line in all_lines(client, logs_url(console, since="2"))] == ["c"]


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 40, "١"])
def test_a_since_that_is_no_number_starts_at_the_first_line(console, client, ring, since):
    ring.append("stdout", 1.0, ["a"])
    ring.close()
    assert len(all_lines(client, logs_url(console, since=since))) == 1


def test_lines_that_come_while_one_looks_are_sent(console, client, ring):
    with client.websocket_connect(logs_url(console)) as live:
        ring.append("stderr", 2.0, ["now"])
        assert live.receive_json()["lines"] == [[0, "stderr", 2.0, "now"]]


def test_a_source_that_begins_late_is_waited_for(console, client, ring):
    with client.websocket_connect(logs_url(console, source="Control")) as live:
        late = LogRing("Control")
        late.append("stdout", 1.0, ["control"])
        console.runner.logs["run-1"]["Control"] = late
        assert live.receive_json()["lines"][0][3] == "control"


def test_the_log_of_a_run_that_is_no_longer_remembered_comes_from_the_store(console, client):
    console.store.save(replace(RUN, status="finished"))
    console.store.save_log("run-1", "Trial 1", [LogLine("Trial 1", 0, "stdout", 1.0, "kept")])
    assert [line[3] for line in all_lines(client, logs_url(console))] == ["kept"]


def test_a_live_run_is_a_snapshot_then_changes_then_an_end(console, client):
    console.runner.change(RUN)
    url = logs_url(console, trial="2").replace("/live/logs", "/live/run")
    with client.websocket_connect(url) as live:
        messages = [live.receive_json()]
        console.runner.change(replace(RUN, step="done", status="finished"))
        messages += [live.receive_json(), live.receive_json()]
    assert messages == [
        {"type": "snapshot", "view": {"step": "preflight", "trial": 2, "rows": []}},
        {"type": "update", "view": {"step": "done"}, "rows": []},
        {"type": "end"},
    ]


def test_a_kept_run_is_a_snapshot_and_an_end(console, client):
    console.store.save(replace(RUN, step="done", status="finished"))
    with client.websocket_connect(logs_url(console).replace("/live/logs", "/live/run")) as live:
        assert [live.receive_json()["type"], live.receive_json()["type"]] == ["snapshot", "end"]


def test_a_run_of_another_process_is_followed_by_what_is_kept_of_it(console, client):
    console.store.save(RUN)
    with client.websocket_connect(logs_url(console).replace("/live/logs", "/live/run")) as live:
        assert live.receive_json()["type"] == "snapshot"
        console.store.save(replace(RUN, step="settle"))
        assert live.receive_json()["view"] == {"step": "settle"}


# ---------------------------------------------------------------- the chart library


def test_the_chart_library_comes_from_the_console_itself(client):
    answer = client.get(PLOTLY_PATH, headers={"accept-encoding": "identity"})
    assert answer.text.startswith(f"/**\n* plotly.js (basic - minified) v{LIBRARY_VERSION}\n")


def test_the_chart_library_is_downloaded_once(client):
    assert client.get(PLOTLY_PATH).headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_chart_library_is_packed_for_who_can_unpack_it(client):
    packed = client.get(PLOTLY_PATH, headers={"accept-encoding": "gzip"})
    plain = client.get(PLOTLY_PATH, headers={"accept-encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", plain.content)


def test_another_version_of_it_is_not_found(client):
    answer = client.get(PLOTLY_PATH.replace(LIBRARY_VERSION, "0.0.1"))
    assert (answer.status_code, "Reload the page" in answer.text) == (404, True)


# ---------------------------------------------------------------- a real server


class Server:
    """uvicorn on a free loopback port, as Streamlit runs it, on a thread."""

    def __init__(self, app):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.uvicorn = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_level="warning"))
        self.thread = threading.Thread(target=lambda: asyncio.run(self.uvicorn.serve([self.socket])))
        self.thread.start()

    def connect(self, url, **options):
        return connect(f"ws://127.0.0.1:{self.port}{url}", origin=f"http://127.0.0.1:{self.port}", **options)

    def stop(self):
        self.uvicorn.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive(), "the server did not end within 20 s"


@pytest.fixture
def server(console):
    running = Server(Starlette(routes=live_routes(lambda: console, board)))
    yield running
    running.stop()


def test_open_pages_do_not_hold_up_a_shutdown(console, server, ring):
    ring.append("stdout", 1.0, ["hello"])
    with contextlib.ExitStack() as pages:
        for _ in range(3):
            pages.enter_context(server.connect(logs_url(console))).recv(timeout=20)
        server.stop()


def test_a_browser_that_has_stopped_reading_does_not_hold_up_a_shutdown(console, server, ring):
    ring.append("stdout", 1.0, ["x" * 1000] * 50_000)
    # It does not wait for the server's farewell either: what it has not read stands before that
    with server.connect(logs_url(console), max_queue=1, close_timeout=0.1) as stalled:
        stalled.recv(timeout=20)
        server.stop()


def test_the_token_check_works_on_a_real_server_too(console, server, ring):
    ring.append("stdout", 1.0, ["hello"])
    ring.close()
    with server.connect(logs_url(console)) as page:
        assert json.loads(page.recv(timeout=20))["lines"][0][3] == "hello"
