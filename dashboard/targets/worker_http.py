"""Asks a worker small questions over HTTP, in waits that can be cancelled."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from dashboard.waiting import SLICE_S, Cancelled, never

__all__ = ["WorkerHttp"]

_CONNECT_S: Final = 2.0
_PIECE: Final = 64 * 1024
_MOST_BYTES: Final = 4 * 1024 * 1024
"""No answer to a small question is larger; one that is comes from another service than was meant."""


class WorkerHttp:
    """One worker's address. Threading: any thread; each question has a connection of its own."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.heard = False
        """Whether anything there has answered a question, in whatever way."""

    def ask(self, path: str, timeout: float, cancelled: Cancelled = never) -> dict[str, Any] | None:
        """Return the JSON object that the worker answers with; None if it gives none in `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._asked(path, deadline, cancelled) as response:
            try:
                document = None if response is None else json.loads(_body(response, deadline, cancelled))
            except (OSError, http.client.HTTPException, ValueError):
                return None
        return document if isinstance(document, dict) else None

    def status(self, path: str, timeout: float, cancelled: Cancelled = never) -> int | None:
        """Return the HTTP status of an answer, whose body is not read; None without one."""
        with self._asked(path, time.monotonic() + timeout, cancelled) as response:
            return None if response is None else response.status

    @contextmanager
    def _asked(
        self, path: str, deadline: float, cancelled: Cancelled
    ) -> Iterator[http.client.HTTPResponse | None]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_CONNECT_S)
        with closing(connection):
            try:
                connection.request("GET", path)
                answered = _answers(connection.sock, deadline, cancelled)
                response = connection.getresponse() if answered else None
            except (OSError, http.client.HTTPException):
                response = None
            self.heard = self.heard or response is not None
            try:
                yield response
            finally:
                if response is not None:
                    response.close()


def _body(response: http.client.HTTPResponse, deadline: float, cancelled: Cancelled) -> bytes:
    """Read an answer piece by piece. Raises `ValueError` for one that is too large or takes too long."""
    body, whole = b"", response.length
    while whole is None or len(body) < whole:
        if cancelled() or time.monotonic() >= deadline or len(body) > _MOST_BYTES:
            raise ValueError
        piece = response.read1(_PIECE)
        if not piece:
            break
        body += piece
    return body


def _answers(connection: socket.socket, deadline: float, cancelled: Cancelled) -> bool:
    """Wait for the first byte of an answer, or the end of the connection."""
    connection.settimeout(SLICE_S)
    while True:
        try:
            connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            if cancelled() or time.monotonic() >= deadline:
                return False
        else:
            connection.settimeout(_CONNECT_S)
            return True
