"""One log read from an engine, in blocks as large as they come.

The SDK hands out a log record by record, which takes four times as long. Asked in HTTP/1.0 the engine sends
its log without chunks, so that a read returns all that is there: many records, each behind its own header.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import requests

from dashboard.engine.faults import ContainerGone, EngineRefused

__all__ = ["LogReading", "open_reading"]

_BLOCK: Final = 64 * 1024
_LARGE: Final = 24 * 1024
_GATHER_S: Final = 0.0005
"""In which an engine sends about what a socket's queue holds: 280 records, each with its own header."""
_CONNECT_S: Final = 10.0


class LogReading:
    """The bytes of one log, as the engine sends them. Iterate it in one thread; `close` from any."""

    def __init__(self, body: http.client.HTTPResponse, link: socket.socket) -> None:
        self._body, self._link = body, link
        self._closed = False
        self._pause_s = 0.0
        self.broke_off = False
        """Whether it ended by an error, and not as a log or a follow ends."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks until the log ends, the engine goes away, or `close`: they all look the same."""
        try:
            while block := self._body.read1(_BLOCK):
                yield block
                if self._pause_s and len(block) < _LARGE:
                    time.sleep(self._pause_s)
        except (OSError, http.client.HTTPException, ValueError):
            self.broke_off = not self._closed  # else it was closed from another thread
        self.close()
        with suppress(OSError):
            self._body.close()  # by its reader alone: a close beside a read would wait for it

    def gather(self) -> None:
        """Let each block grow for a moment: for a log that is there already, not for one that is awaited.

        An engine sends record by record. Who wakes up for each of them takes twice the time, of both.
        """
        self._pause_s = _GATHER_S

    def give_up_after(self, seconds: float) -> None:
        """End the reading when no block comes for so long."""
        with suppress(OSError):  # closed meanwhile
            self._link.settimeout(seconds)

    def close(self) -> None:
        """End the reading; a thread that waits for the next block goes on at once. Idempotent."""
        if not self._closed:
            self._closed = True
            with suppress(OSError):
                self._link.shutdown(socket.SHUT_RDWR)
            self._link.close()


def open_reading(api: Any, host: str, container: str, query: Mapping[str, str]) -> LogReading:
    """Ask the engine at `host` for a container's log; `api` is the SDK's client, for what it has agreed on.

    Raises:
        ContainerGone: there is no such container. EngineRefused: the engine will not read its log.
        OSError: the engine does not answer.
    """
    link = _connect(api, host)
    try:
        path = f"/v{api.api_version}/containers/{container}/logs?{urlencode(query)}"
        link.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\nUser-Agent: loadonce\r\n\r\n".encode("ascii"))
        link.settimeout(_CONNECT_S)
        body = http.client.HTTPResponse(link, method="GET")
        body.begin()
        if body.status != 200:
            said = body.read(4096).decode("utf-8", "replace").strip()
            # 409: it is being removed at this moment, as `docker rm -f` does it
            kind = ContainerGone if body.status in (404, 409) else EngineRefused
            raise kind(f"The log of container {container[:12]} cannot be read: {said}")
        link.settimeout(None)  # a quiet container says nothing for hours
    except http.client.HTTPException as error:
        link.close()
        raise OSError(f"the engine's answer is no HTTP: {error}") from error
    except BaseException:
        link.close()
        raise
    return LogReading(body, link)


def _connect(api: Any, host: str) -> socket.socket:
    url = urlsplit(host)
    if url.scheme == "unix":
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(_CONNECT_S)
        try:
            link.connect(url.path or url.netloc)
        except OSError:
            link.close()
            raise
        return link
    if url.scheme not in ("tcp", "http", "https"):
        raise EngineRefused(
            f"Logs cannot be read over {url.scheme}://. Forward the engine's socket "
            "(`ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`) and set DOCKER_HOST=unix:///tmp/docker.sock."
        )
    secure = str(api.base_url).startswith("https")
    link = socket.create_connection((url.hostname or "", url.port or (2376 if secure else 2375)), _CONNECT_S)
    # No time-out ends a follow, so a cut network must be found out otherwise
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return _secured(api, link, url.hostname or "") if secure else link


def _secured(api: requests.Session, link: socket.socket, name: str) -> socket.socket:
    """Speak TLS as the SDK's session does: its authority, its certificate, its opinion on host names."""
    trusted = api.verify
    context = ssl.create_default_context(cafile=trusted if isinstance(trusted, str) else None)
    if trusted is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if isinstance(api.cert, tuple):
        context.load_cert_chain(*api.cert)
    return context.wrap_socket(link, server_hostname=name)
