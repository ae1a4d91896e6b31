"""Small questions over HTTP, to services that answer small, without end, or drop by drop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard.targets.worker_http import WorkerHttp

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def worker() -> Iterator[Callable[[Answer], WorkerHttp]]:
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Answer) -> WorkerHttp:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send_response(200)
                try:
                    answer(self)
                except OSError:
                    self.close_connection = True  # the one who asked has gone

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        servers.append(server)
        return WorkerHttp("127.0.0.1", server.server_address[1])

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def counted(handler: BaseHTTPRequestHandler) -> None:
    handler.send_header("Content-Length", "8")
    handler.end_headers()
    handler.wfile.write(b'{"a": 1}')


def chunked(handler: BaseHTTPRequestHandler) -> None:
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b'3\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n')


def without_end(handler: BaseHTTPRequestHandler) -> None:
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65536)


def drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    handler.end_headers()
    pause = threading.Event()
    while not pause.wait(0.02):
        handler.wfile.write(b" ")


def header_by_header(handler: BaseHTTPRequestHandler) -> None:
    handler.flush_headers()
    pause = threading.Event()
    while not pause.wait(0.02):
        handler.wfile.write(b"X")


@pytest.mark.parametrize("answer", [counted, chunked])
def test_an_object_is_returned_however_it_is_sent(worker, answer) -> None:
    assert worker(answer).ask("/", 30.0) == {"a": 1}


def test_the_status_is_told_though_the_body_has_no_end(worker) -> None:
    assert worker(without_end).status("/", 30.0) == 200


def test_an_answer_without_end_is_no_answer(worker) -> None:
    assert worker(without_end).ask("/", 600.0) is None


def test_an_answer_that_drips_past_the_deadline_is_no_answer(worker) -> None:
    assert worker(drop_by_drop).ask("/", 0.3) is None


def test_a_wait_for_a_dripping_answer_can_be_cancelled(worker) -> None:
    assert worker(drop_by_drop).ask("/", 600.0, lambda: True) is None


def test_headers_that_drip_past_the_deadline_are_no_answer(worker) -> None:
    assert worker(header_by_header).status("/", 0.3) is None


def test_a_wait_for_dripping_headers_can_be_cancelled(worker) -> None:
    assert worker(header_by_header).ask("/", 600.0, lambda: True) is None


def test_whoever_says_a_word_was_heard_though_it_is_no_answer(worker) -> None:
    asked = worker(header_by_header)
    assert asked.ask("/", 0.3) is None
    assert asked.heard


def test_a_port_where_nobody_is_was_not_heard() -> None:
    asked = WorkerHttp("127.0.0.1", 1)
    assert asked.ask("/", 0.3) is None
    assert not asked.heard
