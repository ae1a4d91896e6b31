"""Who may talk to the console at all: Host and Origin, checked around every route, Streamlit's own included.

    browser --> HostGuard --> Streamlit's routes, the live routes
                  | 403 and one sentence

A name that an attacker owns may be bound again to 127.0.0.1; then a page of his has the console's own origin
in the eyes of the browser. Only the Host header still tells his name. And any page that a browser shows may
open a WebSocket to a loopback port; only the Origin header tells whose page it is.
"""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["ALLOWED_HOSTS", "HostGuard", "HostRule", "same_origin"]

ALLOWED_HOSTS: Final = "LOADONCE_ALLOWED_HOSTS"
"""Environment variable: further host names of the console, with commas between; `*.example.org` works."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOG: Final = logging.getLogger(__name__)


class HostRule:
    """Which Host headers are names of this console.

    Always: `localhost` and loopback addresses, and the very address that the connection came in on. Then
    `bound`, what the server was told to bind (told to bind every address, any address literal is ours: a
    rebound name is never a literal), and the names in `LOADONCE_ALLOWED_HOSTS`.
    """

    def __init__(self, bound: Iterable[str] = (), *, environ: Mapping[str, str] = os.environ) -> None:
        names = [*bound, *environ.get(ALLOWED_HOSTS, "").split(",")]
        self._names = {name.strip().strip("[]").lower() for name in names} - {""}
        self._every_address = bool(self._names & {"0.0.0.0", "::"})

    def accepts(self, host: str | None, connected_to: str | None = None) -> bool:
        """Whether the Host header `host` is ours; `connected_to` is the server's end of the connection."""
        name = _host_name(host or "")
        if name is None:
            return False
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        if any(name.endswith(mask[1:]) for mask in self._names if mask.startswith("*.")):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._every_address or name == connected_to


class HostGuard:
    """ASGI middleware: lets in only requests to a name of ours, and WebSockets of our own pages only.

    Whatever else comes gets 403 and one sentence, and the server's log says who was refused. `bound` returns
    the addresses that the server was told to bind; it is asked once, when the server has its settings.

    Threading: for one event loop; never blocks.
    """

    def __init__(self, app: ASGIApp, *, bound: Callable[[], Iterable[str]] = tuple) -> None:
        self._app = app
        self._rule = HostRule(bound())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or (why := self._objection(scope)) is None:
            await self._app(scope, receive, send)
            return
        _LOG.warning("Refused a request for %r: %s", scope["path"], why)
        if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": "Refused"})
            return
        await PlainTextResponse(why + "\n", 403)(scope, receive, send)

    def _objection(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts, origin, server = headers.getlist("host"), headers.get("origin"), scope.get("server")
        host = hosts[0] if len(hosts) == 1 else ""
        if not self._rule.accepts(host, server[0] if server else None):
            return (
                f"This console does not answer to the host name {host!r}: if the name is yours, start the "
                f"console with {ALLOWED_HOSTS}={_host_name(host) or 'NAME'} in its environment."
            )
        if scope["type"] == "websocket" and not same_origin(origin, host):
            return (
                f"Only the console's own pages may connect; this one comes from {origin or ''!r} and asked "
                f"for {host!r}: if a proxy stands between, let it pass the Host header on, and name that "
                f"host in {ALLOWED_HOSTS}."
            )
        return None


def same_origin(origin: str | None, host: str | None) -> bool:
    """Whether the Origin header names the same host and port as the Host header; a missing one does not."""
    if not origin or not host:
        return False
    try:
        theirs = urlsplit(origin)
        ours = urlsplit(f"//{host}")
        default = _DEFAULT_PORTS.get(theirs.scheme)
        their_port, our_port = theirs.port or default, ours.port or default
    except ValueError:
        return False
    if default is None or not theirs.hostname:
        return False
    return (theirs.hostname, their_port) == (ours.hostname, our_port)


def _host_name(host: str) -> str | None:
    """The name in a Host header, without its port; None when it is no such header."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    if parts.netloc != host or "@" in host:
        return None
    return parts.hostname
