"""The trigger against a real HTTP server on loopback: who was released, and what came back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.triggers.base import TriggerError, TriggerUnreachable, plan_variants
from dashboard.triggers.worker import WorkerTrigger


class Service(ThreadingHTTPServer):
    """Answers like a worker; the test says how."""

    request_queue_size = 512
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.detail: Any = None
        self.answer: dict[str, Any] | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.seen: list[dict[str, Any]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that the test has closed."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(request)
        self.server.may_answer.wait(30)
        answer = {"detail": self.server.detail}
        if self.server.answer is not None:
            answer = self.server.answer
        elif self.server.status == 200:
            answer = {
                "variant_id": request["variant_id"],
                "worker": {"boot": "b00t", "pid": 7, "host": "here"},
                "load_id": 1,
                "model_id": "demo",
                "waited_ms": 12.5,
                "load_ms": 10.0,
                "infer_ms": 2.5,
                "text": "a picture",
            }
        body = json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


def released(service: Service, *, variants: int = 3, timeout_s: float = 20.0) -> WorkerTrigger:
    trigger = WorkerTrigger(
        plan_variants(1, variants), host="127.0.0.1", port=service.port, timeout_s=timeout_s
    )
    trigger.arm(20)
    trigger.release()
    return trigger


def test_variants_are_named_by_job_and_number() -> None:
    assert [variant.variant_id for variant in plan_variants(2, 2)] == [
        "job-1.variant-1",
        "job-1.variant-2",
        "job-2.variant-1",
        "job-2.variant-2",
    ]


def test_every_variant_is_answered_with_the_workers_identity(service: Service) -> None:
    trigger = released(service, variants=5)
    assert trigger.wait(20)
    trigger.close()
    assert {(v.state, v.boot, v.load_id, v.answer) for v in trigger.variants} == {
        ("answered", "b00t", 1, "a picture")
    }


def test_nothing_is_sent_before_the_release(service: Service) -> None:
    trigger = WorkerTrigger(plan_variants(1, 3), host="127.0.0.1", port=service.port, timeout_s=5)
    trigger.arm(20)
    trigger.close()
    assert service.seen == []


def test_all_variants_are_in_flight_together(service: Service) -> None:
    service.may_answer.clear()
    trigger = released(service, variants=40)
    deadline = threading.Event()
    while len(service.seen) < 40 and not deadline.wait(0.02):
        pass
    service.may_answer.set()
    assert trigger.wait(20)
    trigger.close()
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_the_skew_of_the_release_is_measured(service: Service) -> None:
    trigger = released(service)
    assert trigger.wait(20)
    trigger.close()
    sent = [variant.sent for variant in trigger.variants if variant.sent is not None]
    assert trigger.skew_ms == pytest.approx((max(sent) - min(sent)) * 1000)


def test_every_variant_carries_a_prompt_and_a_picture(service: Service) -> None:
    trigger = released(service)
    assert trigger.wait(20)
    trigger.close()
    assert all(request["prompt"] and request["image"] for request in service.seen)


def test_a_refusal_is_told_with_its_status_and_its_words(service: Service) -> None:
    service.status, service.detail = 503, {"error": "MetaTensorError", "message": "no data"}
    trigger = released(service)
    assert trigger.wait(20)
    trigger.close()
    assert {v.error for v in trigger.variants} == {"HTTP 503: MetaTensorError: no data"}


def test_an_answer_that_never_comes_fails_by_the_timeout(service: Service) -> None:
    service.may_answer.clear()
    trigger = released(service, timeout_s=0.2)
    assert trigger.wait(20)
    trigger.close()
    assert {v.error for v in trigger.variants} == {"no answer within 0.2 s"}


def test_a_port_where_nobody_listens_is_unreachable_before_the_release() -> None:
    unused = Service()
    port = unused.port
    unused.server_close()
    trigger = WorkerTrigger(plan_variants(1, 3), host="127.0.0.1", port=port, timeout_s=5)
    with pytest.raises(TriggerUnreachable, match=rf"127\.0\.0\.1:{port} \(Connection refused\).*is up"):
        trigger.arm(20)
    trigger.close()


def test_closing_in_the_middle_keeps_what_was_sent(service: Service) -> None:
    service.may_answer.clear()
    trigger = released(service)
    while len(service.seen) < 3:
        threading.Event().wait(0.01)
    trigger.close()
    assert {variant.state for variant in trigger.variants} == {"sent"}


def test_a_releasing_process_that_is_killed_ends_the_release(service: Service) -> None:
    service.may_answer.clear()
    trigger = released(service)
    while len(service.seen) < 3:
        threading.Event().wait(0.01)
    os.kill(trigger._process.pid, signal.SIGKILL)
    assert trigger.wait(20)
    trigger.close()
    assert {(variant.state, variant.error) for variant in trigger.variants} == {
        ("failed", "the releasing process ended early")
    }


def test_a_releasing_process_that_is_killed_leaves_the_answers_alone(service: Service) -> None:
    trigger = released(service)
    assert trigger.wait(20)
    trigger._process.wait(20)
    trigger._lose_open_variants()
    trigger.close()
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_a_releasing_process_that_is_cut_in_the_middle_of_a_word_ends_the_release(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(text: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(text)
        if report["event"] == "sent":
            return dict(json.loads(text[:9]))
        return report

    service.may_answer.clear()
    monkeypatch.setattr("dashboard.triggers.http_release.json", SimpleNamespace(dumps=json.dumps, loads=cut))
    trigger = released(service)
    assert trigger.wait(20)
    trigger.close()
    assert {variant.error for variant in trigger.variants} == {"the releasing process ended early"}


def test_waiting_for_the_connections_ends_when_it_is_cancelled(service: Service) -> None:
    trigger = WorkerTrigger(plan_variants(1, 1), host="127.0.0.1", port=service.port, timeout_s=5)
    os.kill(trigger._process.pid, signal.SIGSTOP)
    with pytest.raises(TriggerError, match="was cancelled"):
        trigger.arm(60, cancelled=lambda: True)
    trigger.close()


def test_a_system_that_gives_no_process_is_an_error_with_the_next_step(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("dashboard.triggers.http_release.subprocess.Popen", refuse)
    with pytest.raises(TriggerError, match=r"Resource temporarily unavailable.*try again"):
        WorkerTrigger(plan_variants(1, 1), host="127.0.0.1", port=service.port, timeout_s=5)


def test_a_system_that_gives_no_thread_leaves_no_process(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[str]] = []

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        begun.append(subprocess.Popen(*arguments, **options))
        return begun[0]

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(
        "dashboard.triggers.http_release.subprocess", SimpleNamespace(Popen=popen, PIPE=subprocess.PIPE)
    )
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(TriggerError, match="can't start new thread"):
            WorkerTrigger(plan_variants(1, 1), host="127.0.0.1", port=service.port, timeout_s=5)
    assert begun[0].returncode == -signal.SIGKILL


def test_an_answer_of_another_shape_is_an_answer_without_identity(service: Service) -> None:
    service.answer = {"worker": ["b00t"], "load_id": "one", "waited_ms": "long", "text": 7}
    trigger = released(service)
    assert trigger.wait(20)
    trigger.close()
    assert {(v.state, v.boot, v.load_id, v.waited_ms, v.answer) for v in trigger.variants} == {
        ("answered", None, None, None, None)
    }


def test_a_releasing_process_that_dies_early_is_an_error(service: Service) -> None:
    trigger = WorkerTrigger(plan_variants(1, 1), host="127.0.0.1", port=service.port, timeout_s=5)
    os.kill(trigger._process.pid, signal.SIGKILL)
    with pytest.raises(TriggerError, match="ended early"):
        trigger.arm(20)
    trigger.close()


def test_the_releasing_process_goes_when_the_console_is_gone(service: Service) -> None:
    service.may_answer.clear()
    trigger = released(service)
    assert trigger._process.stdin is not None
    trigger._process.stdin.close()  # what the system does for a console that was killed
    assert trigger._process.wait(20) == 3
    trigger.close()


def test_closing_twice_is_one_close(service: Service) -> None:
    trigger = released(service)
    trigger.close()
    trigger.close()
    assert trigger.done
