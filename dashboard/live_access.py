"""Who may open a live route: short-lived tokens, and the checks of Origin and Host.

The routes beside Streamlit's own have no protection of their own: any page that a browser shows may open a
WebSocket to a loopback port, and a name that an attacker owns may be bound again to 127.0.0.1. So a live
route asks for three things: a token that only our own page was given, an Origin that is this very server,
and a Host that is a name of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

__all__ = ["ALLOWED_HOSTS", "TOKEN_LIFE_S", "HostRule", "LiveTokens", "TokenRedaction", "same_origin"]

ALLOWED_HOSTS: Final = "LOADONCE_ALLOWED_HOSTS"
"""Environment variable: further host names of the console, with commas between; `*.example.org` works."""
TOKEN_LIFE_S: Final = 600
_ROUND_S: Final = 60
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class LiveTokens:
    """Makes and checks the tokens that a page hands to its live components.

    A token is for one run and ends after about ten minutes; an open connection outlives it. The secret lives
    and dies with the process, so no token survives a restart of the console.

    Threading: immutable; any thread may call.
    """

    def __init__(
        self,
        *,
        secret: bytes | None = None,
        life_s: int = TOKEN_LIFE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret if secret is not None else secrets.token_bytes(32)
        self._life_s = life_s
        self._clock = clock

    def issue(self, run_id: str) -> str:
        """Return a token for `run_id`. Within one minute it is the same, so that a rerun changes nothing."""
        end = (int(self._clock()) // _ROUND_S + 1) * _ROUND_S + self._life_s
        return f"{end}.{self._signature(run_id, end)}"

    def accepts(self, token: str, run_id: str) -> bool:
        """Whether `token` was issued here for `run_id` and has not ended."""
        match = re.fullmatch(r"(\d{1,12})\.([0-9a-f]{64})", token, re.ASCII)
        if match is None:
            return False
        end = int(match[1])
        # Compared first, and in constant time: how long the answer takes tells nothing about the signature.
        genuine = hmac.compare_digest(match[2], self._signature(run_id, end))
        return genuine and self._clock() < end

    def _signature(self, run_id: str, end: int) -> str:
        return hmac.new(self._secret, f"{end}\n{run_id}".encode(), hashlib.sha256).hexdigest()


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


class TokenRedaction(logging.Filter):
    """Keeps tokens out of the server's own log, which prints the whole address of every WebSocket."""

    _TOKEN: Final = re.compile(r"(?<=[?&]token=)[^&\s\"']+")

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide the tokens in `record`; it is always kept."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                self._TOKEN.sub("…", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


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
