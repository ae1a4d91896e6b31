"""Who may talk to the console: each check refuses what it must, also of Streamlit's own routes, for real."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.host_guard import HostGuard, HostRule, same_origin
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8501", "localhost:8501"),
        ("http://127.0.0.1:8501", "127.0.0.1:8501"),
        ("http://[::1]:8501", "[::1]:8501"),
        ("https://console.example.org", "console.example.org"),
        ("https://console.example.org", "console.example.org:443"),
        ("http://LOCALHOST:8501", "localhost:8501"),
    ],
)
def test_our_own_pages_are_of_the_same_origin(origin, host):
    assert same_origin(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "localhost:8501"),
        ("", "localhost:8501"),
        ("null", "localhost:8501"),
        ("http://localhost:3000", "localhost:8501"),
        ("http://evil.example", "localhost:8501"),
        ("http://localhost", "localhost:8501"),
        ("http://localhost:8501.evil.example", "localhost:8501"),
        ("http://localhost:x", "localhost:8501"),
        ("file://", "localhost:8501"),
        ("chrome-extension://abc", "abc"),
        ("http://localhost:8501", None),
    ],
)
def test_other_pages_are_not(origin, host):
    assert not same_origin(origin, host)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "127.0.0.1:8501", "127.8.9.1", "[::1]:8501", "a.localhost"]
)
def test_loopback_is_always_ours(host):
    assert HostRule(environ={}).accepts(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example:8501",
        "10.0.0.5:8501",
        "localhost.evil.example",
        "localhost:x",
        "a@localhost",
        "127.0.0.1/x",
    ],
)
def test_other_hosts_are_not(host):
    assert not HostRule(environ={}).accepts(host)


def test_the_address_that_was_bound_is_ours():
    assert HostRule(["console.lan"], environ={}).accepts("console.lan:8501")


def test_the_address_that_the_connection_came_in_on_is_ours():
    assert HostRule(environ={}).accepts("10.0.0.5:8501", connected_to="10.0.0.5")


def test_a_name_that_leads_to_our_address_is_not_ours():
    assert not HostRule(environ={}).accepts("evil.example", connected_to="evil.example")


def test_bound_to_every_address_any_address_is_ours():
    assert HostRule(["0.0.0.0"], environ={}).accepts("10.0.0.5:8501")


def test_bound_to_every_address_a_stranger_s_name_still_is_not():
    assert not HostRule(["0.0.0.0"], environ={}).accepts("evil.example:8501")


@pytest.mark.parametrize("host", ["console.example.org:8501", "a.ops.example.org"])
def test_an_operator_can_allow_names(host):
    rule = HostRule(environ={"LOADONCE_ALLOWED_HOSTS": "console.example.org, *.ops.example.org"})
    assert rule.accepts(host)


def test_a_mask_allows_no_other_domain():
    rule = HostRule(environ={"LOADONCE_ALLOWED_HOSTS": "*.ops.example.org"})
    assert not rule.accepts("evilops.example.org")


# ---------------------------------------------------------------- around an app


def guarded(bound=(), **options):
    async def hello(request):
        return PlainTextResponse("hello")

    guard = Middleware(HostGuard, bound=lambda: bound)
    return TestClient(Starlette(routes=[Route("/", hello)], middleware=[guard]), **options)


def test_a_refusal_names_the_host_and_the_setting_that_allows_it():
    answer = guarded().get("/", headers={"host": "console.lan:8501"})
    assert answer.text == (
        "This console does not answer to the host name 'console.lan:8501': if the name is yours, start the "
        "console with LOADONCE_ALLOWED_HOSTS=console.lan in its environment.\n"
    )


def test_a_refusal_does_not_echo_markup_as_a_page():
    answer = guarded().get("/", headers={"host": "<script>"})
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/plain; charset=utf-8")


def test_a_name_that_the_server_was_told_to_bind_is_let_in():
    assert guarded(["console.lan"]).get("/", headers={"host": "console.lan:8501"}).text == "hello"


def test_a_name_that_the_operator_allowed_is_let_in(monkeypatch):
    monkeypatch.setenv("LOADONCE_ALLOWED_HOSTS", "console.example.org")
    assert guarded().get("/", headers={"host": "console.example.org"}).text == "hello"


def test_a_page_of_another_site_may_link_to_the_console():
    headers = {"host": "localhost:8501", "origin": "http://elsewhere.example"}
    assert guarded().get("/", headers=headers).status_code == 200


def test_who_was_refused_stands_in_the_server_s_log(caplog):
    guarded().get("/", headers={"host": "evil.example"})
    assert "Refused a request for '/': This console does not answer to the host name 'evil.example'" in (
        caplog.text
    )


# ---------------------------------------------------------------- the real console


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The port of a console that `serve` has started."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard", "serve", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"LOADONCE_HOME": str(tmp_path_factory.mktemp("guarded"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert "Loadonce is at" in process.stdout.readline()
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def stream(port, *, host, origin, path="/_stcore/stream"):
    """Open a WebSocket to the console under any name: what a rebound name or another page would send."""
    plain = socket.create_connection(("127.0.0.1", port))
    return connect(f"ws://{host}{path}", sock=plain, origin=origin, subprotocols=["streamlit"])


def refusal(port, **who):
    with pytest.raises(InvalidStatus) as refused, stream(port, **who):
        pass
    return refused.value.response.status_code, refused.value.response.body.decode()


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/metrics", "/_stcore/host-config"])
def test_a_rebound_name_gets_no_page(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": f"evil.example:{port}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert (answer.status, "LOADONCE_ALLOWED_HOSTS=evil.example" in text) == (403, True)


@pytest.mark.parametrize("path", ["/_stcore/stream", "/live/logs", "/live/run"])
def test_a_rebound_name_cannot_drive_the_console_though_its_origin_fits(port, path):
    host = f"evil.example:{port}"
    status, text = refusal(port, host=host, origin=f"http://{host}", path=path)
    assert (status, "LOADONCE_ALLOWED_HOSTS=evil.example" in text) == (403, True)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None, "http://127.0.0.1:1"])
@pytest.mark.parametrize("path", ["/_stcore/stream", "/live/logs", "/live/run"])
def test_a_page_of_another_origin_cannot_drive_the_console(port, path, origin):
    status, text = refusal(port, host=f"127.0.0.1:{port}", origin=origin, path=path)
    assert (status, "LOADONCE_ALLOWED_HOSTS" in text) == (403, True)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_our_own_page_drives_the_console(port, name):
    message, answer = BackMsg(), ForwardMsg()
    message.rerun_script.query_string = ""
    with stream(port, host=f"{name}:{port}", origin=f"http://{name}:{port}") as live:
        live.send(message.SerializeToString())
        answer.ParseFromString(live.recv(timeout=20))
    assert answer.WhichOneof("type") == "new_session"
