"""Where alerts go, as the environment names it, and what became of each; its address is a secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

__all__ = ["SENT", "UNSENT", "AlertError", "Delivery", "Webhook", "webhook"]

SENT: Final = "sent"
UNSENT: Final = "not sent: "
"""With these words an outcome begins, in the history; why, follows."""
_URL: Final = "LOADONCE_WEBHOOK_URL"
_CONSOLE: Final = "LOADONCE_PUBLIC_URL"


class AlertError(ValueError):
    """The settings of the alerts are wrong: one sentence that names the variable and the next step."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts go. `console` is the address at which people open this console, if anybody has told."""

    url: str
    console: str | None = None

    @property
    def host(self) -> str:
        """Its host: all of the address that may be shown, because the path is the secret."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one alert.

    Attributes:
        time: Unix seconds, when that was known. about: what it tells of, such as `run 20261123-…`.
        host: where it went. outcome: `sent`, or why not, without a word of the webhook's secret.
    """

    time: float
    about: str
    host: str
    outcome: str

    @property
    def sent(self) -> bool:
        """Whether it has arrived."""
        return self.outcome == SENT

    @property
    def text(self) -> str:
        """One sentence."""
        if self.sent:
            return f"The alert about {self.about} reached {self.host}."
        why = self.outcome.removeprefix(UNSENT)
        return f"The alert about {self.about} did not reach {self.host}: {why}."


def webhook(env: Mapping[str, str] = os.environ) -> Webhook | None:
    """Read the webhook from the environment; None without one.

    Raises:
        AlertError: an address is none.
    """
    found = {name: env.get(name, "").strip() for name in (_URL, _CONSOLE)}
    for name, value in found.items():
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise AlertError(f"{name} is no address. Give it as https://…, or leave it out.")
    return Webhook(found[_URL], found[_CONSOLE].rstrip("/") or None) if found[_URL] else None
