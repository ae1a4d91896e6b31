"""Who may open a live route: a page that was given a short-lived token, which stays out of the server's log.

`host_guard` keeps strangers' pages from the whole console; the token also keeps programs beside the browser
from the logs.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

__all__ = ["TOKEN_LIFE_S", "LiveTokens", "TokenRedaction"]

TOKEN_LIFE_S: Final = 600
_ROUND_S: Final = 60


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
