"""Asks a worker small questions over HTTP, in waits that can be cancelled."""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from dashboard.waiting import SLICE_S, Cancelled, never

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

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
        """Whether anything there has said a word, whatever it was."""

    def ask(self, path: str, timeout: float, cancelled: Cancelled = never) -> dict[str, Any] | None:
        """Return the JSON object that the worker answers with; None if it gives none in `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._asked(path, deadline, cancelled) as response:
            try:
                document = None if response is None else json.loads(_body(response))
            except (OSError, http.client.HTTPException, ValueError):
                return None
        return document if isinstance(document, dict) else None

    def post(self, path: str, document: object, timeout: float, cancelled: Cancelled = never) -> int | None:
        """Send a JSON document, and return the HTTP status of the answer; None without one."""
        body = json.dumps(document).encode()
        with self._asked(path, time.monotonic() + timeout, cancelled, body) as response:
            return None if response is None else response.status

    def status(self, path: str, timeout: float, cancelled: Cancelled = never) -> int | None:
        """Return the HTTP status of an answer, whose body is not read; None without one."""
        with self._asked(path, time.monotonic() + timeout, cancelled) as response:
            return None if response is None else response.status

    @contextmanager
    def _asked(
        self, path: str, deadline: float, cancelled: Cancelled, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse | None]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_CONNECT_S)
        response: http.client.HTTPResponse | None = None
        with closing(connection):
            try:
                kind = {} if body is None else {"Content-Type": "application/json"}
                connection.request("GET" if body is None else "POST", path, body, kind)
                patience = _Patience(connection.sock, deadline, cancelled)
                try:
                    # It asks for a socket, and takes of it no more than `makefile`
                    response = http.client.HTTPResponse(patience)  # type: ignore[arg-type]
                    response.begin()
                finally:
                    self.heard = self.heard or patience.heard
            except (OSError, http.client.HTTPException):
                response = None
            try:
                yield response
            finally:
                if response is not None:
                    response.close()


def _body(response: http.client.HTTPResponse) -> bytes:
    """Read an answer piece by piece. Raises `ValueError` for one that is too large."""
    body, whole = b"", response.length
    while whole is None or len(body) < whole:
        if len(body) > _MOST_BYTES:
            raise ValueError
        piece = response.read1(_PIECE)
        if not piece:
            break
        body += piece
    return body


class _Patience(io.RawIOBase):
    """What a connection sends, for as long as anybody wants it: each read, header or body, may end the wait.

    Drops that come faster than any timeout would otherwise keep a reader for ever.
    """

    def __init__(self, connection: socket.socket, deadline: float, cancelled: Cancelled) -> None:
        connection.settimeout(SLICE_S)
        self._connection, self._deadline, self._cancelled = connection, deadline, cancelled
        self.heard = False

    def makefile(self, mode: str) -> io.BufferedReader:
        """Stand for the socket that an `HTTPResponse` is made of."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._cancelled() and time.monotonic() < self._deadline:
            try:
                count = self._connection.recv_into(buffer)
            except TimeoutError:
                continue
            self.heard = self.heard or count > 0
            return count
        raise TimeoutError
