"""The trigger of a stranger's HTTP interface, against a real server on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dashboard.target_settings import HttpTrigger
from dashboard.triggers.base import TriggerError, TriggerUnreachable, plan_variants
from dashboard.triggers.naming import Secrets
from dashboard.triggers.service import ServiceTrigger

TOKEN = "t0ken-{n}-of-the-tests"


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Told:
    """What the service answers."""

    status: int = 202
    body: bytes = b'{"queued": true, "worker": {"boot": "b00t"}, "load_id": 1}'
    more: int = 0  # bytes that it promises and never sends
    seen: list[Seen] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    told: Told
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.told.seen.append(Seen(self.command, self.path, headers, body))
        self.send_response(self.told.status)
        self.send_header("Content-Length", str(len(self.told.body) + self.told.more))
        self.end_headers()
        self.wfile.write(self.told.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def port(told: Told) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Telling", (Handler,), {"told": told}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


Release = Callable[..., ServiceTrigger]


@pytest.fixture
def release(port: int) -> Release:
    def run(*, jobs: int = 1, variants: int = 3, **settings: Any) -> ServiceTrigger:
        trigger = ServiceTrigger(
            plan_variants(jobs, variants),
            HttpTrigger(**{"path": "/", **settings}),
            Secrets({"TOKEN": TOKEN}),
            host="127.0.0.1",
            port=port,
            timeout_s=20,
        )
        try:
            trigger.arm(20)
            trigger.release()
            assert trigger.wait(20)
        finally:
            trigger.close()
        return trigger

    return run


def test_each_variant_is_a_request_of_its_own(release: Release, told: Told) -> None:
    release(jobs=2, variants=2, path="/v/{n}")
    assert sorted(seen.path for seen in told.seen) == ["/v/1", "/v/2", "/v/3", "/v/4"]


def test_placeholders_are_filled_wherever_the_body_has_texts(release: Release, told: Told) -> None:
    release(
        variants=1,
        body={
            "id": "{variant_id}",
            "deep": [{"job": "in {job_id}"}],
            "n": 1,
            "own": "{braces}",
            "of": "{variants}",
        },
    )
    body = json.loads(told.seen[0].body)
    run = body["id"].rsplit(".", 1)[1]
    assert body == {
        "id": f"job-1.variant-1.{run}",
        "deep": [{"job": f"in job-1.{run}"}],
        "n": 1,
        "own": "{braces}",
        "of": "1",
    }


def test_no_two_trials_use_the_same_names(release: Release, told: Told) -> None:
    release(body="{variant_id}")
    release(body="{variant_id}")
    assert len({seen.body for seen in told.seen}) == 6


def test_the_method_and_the_headers_are_the_users(release: Release, told: Told) -> None:
    release(variants=1, method="PATCH", headers={"X-Key": "{n}", "Content-Type": "application/x"}, body=[])
    seen = told.seen[0]
    assert (seen.method, seen.headers["x-key"], seen.headers["content-type"]) == (
        "PATCH",
        "1",
        "application/x",
    )


def test_a_body_is_called_json(release: Release, told: Told) -> None:
    release(variants=1, body={})
    assert told.seen[0].headers["content-type"] == "application/json"


def test_without_a_body_none_is_sent(release: Release, told: Told) -> None:
    release(variants=1, method="GET")
    assert (told.seen[0].method, told.seen[0].body) == ("GET", "")
    assert "content-type" not in told.seen[0].headers


def test_a_path_in_any_script_is_sent_as_a_url_has_it(release: Release, told: Told) -> None:
    release(variants=1, path="/작업 1?x=%20&n={n}")
    assert told.seen[0].path == "/%EC%9E%91%EC%97%85%201?x=%20&n=1"


def test_a_secret_is_sent_to_the_letter(release: Release, told: Told) -> None:
    release(variants=1, headers={"Authorization": "Bearer ${TOKEN}"})
    assert told.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_every_2xx_is_an_answer(release: Release) -> None:
    assert {(v.state, v.status) for v in release().variants} == {("answered", 202)}


def test_a_stranger_s_answer_is_no_identity(release: Release) -> None:
    assert {(v.boot, v.load_id) for v in release().variants} == {(None, None)}


def test_what_counts_as_an_answer_can_be_said(release: Release, told: Told) -> None:
    told.status = 409
    assert {v.state for v in release(status=(409,)).variants} == {"answered"}


def test_another_2xx_than_the_one_that_was_said_is_a_failure(release: Release) -> None:
    assert {v.state for v in release(status=(200,)).variants} == {"failed"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"detail": {"error": "MetaTensorError", "message": "no data"}}',
            "HTTP 500: MetaTensorError: no data",
        ),
        (b"\n  Internal error\nmore", "HTTP 500: Internal error"),
        (b"", "HTTP 500"),
        (b"[" * 100_000, "HTTP 500: " + "[" * 200),
    ],
    ids=["as ours", "a text", "nothing", "nested too deeply"],
)
def test_a_refusal_is_told_in_the_words_of_the_service(
    release: Release, told: Told, body: bytes, said: str
) -> None:
    told.status, told.body = 500, body
    assert {v.error for v in release().variants} == {said}


@pytest.mark.parametrize("status", [200, 401])
def test_a_secret_that_is_sent_back_is_not_shown(release: Release, told: Told, status: int) -> None:
    told.status, told.body = status, f"you sent {TOKEN}".encode()
    variant = release(variants=1, headers={"Authorization": "Bearer ${TOKEN}"}).variants[0]
    assert "you sent ${TOKEN}" in (variant.answer or variant.error or "")


def test_an_answer_of_megabytes_is_not_kept(release: Release, told: Told) -> None:
    told.body = b"x" * 3_000_000
    assert len(release(variants=1).variants[0].answer or "") == 2000


def test_an_answer_without_an_end_is_an_answer(release: Release, told: Told) -> None:
    told.body, told.more = b"x" * 3_000_000, 10**12
    assert {v.state for v in release().variants} == {"answered"}


def service(settings: HttpTrigger, **environment: str) -> ServiceTrigger:
    return ServiceTrigger(
        plan_variants(1, 2), settings, Secrets(environment), host="127.0.0.1", port=1, timeout_s=5
    )


def test_a_service_that_is_not_there_is_unreachable() -> None:
    trigger = service(HttpTrigger(path="/"))
    with pytest.raises(
        TriggerUnreachable, match=r"Nothing can be reached at 127.0.0.1:1 \(Connection refused\)"
    ):
        trigger.arm(20)
    trigger.close()


def one_after_another(*manners: bytes) -> Iterator[int]:
    """A port that greets each connection with these bytes, and hangs up where there are none."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            for manner in manners:
                caller, _ = door.accept()
                if manner:
                    kept.append(caller)
                    caller.sendall(manner)
                else:
                    caller.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1]
        thread.join(20)
        for caller in kept:
            caller.close()


@pytest.mark.parametrize(
    ("manners", "reached"),
    [((b"", b""), False), ((b"", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), True)],
)
def test_a_port_that_only_hangs_up_is_unreachable(manners: tuple[bytes, ...], reached: bool) -> None:
    with contextmanager(one_after_another)(*manners) as port:
        trigger = ServiceTrigger(
            plan_variants(1, 2), HttpTrigger(path="/"), Secrets({}), host="127.0.0.1", port=port, timeout_s=5
        )
        with closing(trigger):
            trigger.arm(20)
            trigger.release()
            assert trigger.wait(20)
    assert {variant.state for variant in trigger.variants} == {"failed"}
    assert (trigger.unreached is None) is reached


def test_a_secret_that_is_not_set_is_told_by_its_name() -> None:
    with pytest.raises(
        TriggerError, match=r"variable TOKEN, to which the header X in targets.toml refers, is not"
    ):
        service(HttpTrigger(path="/", headers={"X": "${TOKEN}"}))


def test_a_secret_that_no_header_can_carry_is_told_and_not_shown() -> None:
    with pytest.raises(TriggerError, match="The header X cannot be sent") as raised:
        service(HttpTrigger(path="/", headers={"X": "${TOKEN}"}), TOKEN="hunter2\nHost: other")
    assert "hunter2" not in str(raised.value)
