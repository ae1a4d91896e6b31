"""Asks a worker small questions over HTTP, in waits that can be cancelled."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any, Final

from dashboard.waiting import SLICE_S, Cancelled, never

__all__ = ["WorkerHttp"]

_CONNECT_S: Final = 2.0


class WorkerHttp:
    """One worker's address. Threading: any thread; each question has a connection of its own."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def ask(self, path: str, timeout: float, cancelled: Cancelled = never) -> dict[str, Any] | None:
        """Return the JSON object that the worker answers with; None if it gives none in `timeout` seconds."""
        answer = self._get(path, timeout, cancelled)
        if answer is None:
            return None
        try:
            document = json.loads(answer[1])
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    def status(self, path: str, timeout: float, cancelled: Cancelled = never) -> int | None:
        """Return the HTTP status of an answer; None without one."""
        answer = self._get(path, timeout, cancelled)
        return None if answer is None else answer[0]

    def _get(self, path: str, timeout: float, cancelled: Cancelled) -> tuple[int, bytes] | None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_CONNECT_S)
        try:
            connection.request("GET", path)
            if not _answers(connection.sock, timeout, cancelled):
                return None
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def _answers(connection: socket.socket, timeout: float, cancelled: Cancelled) -> bool:
    """Wait for the first byte of an answer, or the end of the connection."""
    deadline = time.monotonic() + timeout
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
