"""A worker that is to load before the trial: what it answers decides, and a wait can be given up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dashboard.targets.base import TargetError
from dashboard.targets.warming import warmed
from dashboard.targets.worker_http import WorkerHttp


class Answers:
    """A worker that answers each request for a text with the next status, and is ready after some."""

    def __init__(self, *statuses: int, ready_after: int = 1) -> None:
        self.statuses, self.ready_after = list(statuses), ready_after
        self.asked: list[dict[str, Any]] = []


@contextmanager
def served(answers: Answers) -> Iterator[WorkerHttp]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answers.asked.append(json.loads(body))
            self.reply(answers.statuses[min(len(answers.asked), len(answers.statuses)) - 1], {})

        def do_GET(self) -> None:
            ready = len(answers.asked) >= answers.ready_after
            self.reply(200, {"boot": "3f9c1a", "seq": 7, "state": "ready" if ready else "idle"})

        def reply(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with closing(server.socket):
        yield WorkerHttp("127.0.0.1", server.server_address[1])
        server.shutdown()
        thread.join(10)


def never() -> bool:
    return False


def refusal(answers: Answers, *, timeout: float = 30.0, cancelled: Callable[[], bool] = never) -> str:
    with served(answers) as worker, pytest.raises(TargetError) as caught:
        warmed(worker, timeout, cancelled)
    return str(caught.value)


def test_the_baseline_is_what_the_worker_tells_once_it_is_ready() -> None:
    answers = Answers(200)
    with served(answers) as worker:
        assert warmed(worker, 30.0, never) == ("3f9c1a", 7)
    assert [each["variant_id"] for each in answers.asked] == ["warm-up"]


def test_a_worker_with_two_models_is_asked_until_both_are_there() -> None:
    answers = Answers(200, ready_after=2)
    with served(answers) as worker:
        warmed(worker, 30.0, never)
    assert len(answers.asked) == 2


def test_a_worker_that_does_not_load_is_named_with_what_it_answered() -> None:
    answers = Answers(503)
    assert "did not load its model within 30 s before the trial (HTTP 503)" in refusal(answers)
    assert len(answers.asked) == 4


def test_a_worker_that_answers_and_never_turns_ready_is_not_asked_for_ever() -> None:
    answers = Answers(200, ready_after=99)
    assert "HTTP 200" in refusal(answers)
    assert len(answers.asked) == 4


def test_without_time_nothing_is_asked() -> None:
    answers = Answers(200)
    assert "(no answer)" in refusal(answers, timeout=0.0)
    assert answers.asked == []


def test_a_wait_that_nobody_wants_any_more_is_given_up() -> None:
    assert refusal(Answers(200), cancelled=lambda: True) == "The warming up of the worker was cancelled."
