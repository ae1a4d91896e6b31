"""A chat's server on the loopback: takes what a webhook is told, and answers as a test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["SECRET", "Chat", "open_chat"]

SECRET = "T000/B000/secret"


class Chat:
    """A chat's server. It answers with the statuses in `answers`, one after the other, then with `usual`."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.usual = 200
        self.seen: list[dict[str, Any]] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/json"
                chat.seen.append(json.loads(body))
                self.send_response(chat.answers.pop(0) if chat.answers else chat.usual)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/{SECRET}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it: nobody answers at its address any more. Idempotent."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def open_chat() -> Iterator[Chat]:
    """Open a chat, and end it in the end."""
    chat = Chat()
    try:
        yield chat
    finally:
        chat.close()
