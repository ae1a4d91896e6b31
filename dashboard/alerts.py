"""Alerts: a webhook is told of runs that end red or without proof, in the JSON that Slack and its kin take.

a run ends --> Alerts.run_ended --(a thread of its own: tries, waits, tries again)--> webhook
                                                                 └--> Delivery, the actions of the history
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from dashboard.evidence import Colour
from dashboard.printable import printable
from dashboard.record import RunRecord
from dashboard.report import final_verdict
from dashboard.store import StoreError
from dashboard.vigil import Alarm
from dashboard.webhook import SENT, UNSENT, Delivery, Webhook
from dashboard.wording import COLOUR_ICONS, headline, settings_title

__all__ = ["Alerts", "message_of", "message_of_alarm"]

_COLOURS: Final[Mapping[Colour, str]] = {"green": "#1f9f6c", "red": "#e0434f", "inconclusive": "#d99a20"}
_WAITS: Final = (1.0, 4.0, 15.0)
"""Seconds before each further try; a server may ask for more, up to the longest."""
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_TIMEOUT: Final = Timeout(connect=5.0, read=10.0)
_MOST_REASONS: Final = 3
_MOST_DELIVERIES: Final = 50
_LOG: Final = logging.getLogger(__name__)


class Actions(Protocol):
    """What keeps who did what: `dashboard.store.Store` does."""

    def note_action(
        self, *, actor: str, action: str, target: str, outcome: str, run_id: str | None = None
    ) -> None: ...


def message_of(record: RunRecord, console: str | None = None) -> dict[str, Any] | None:
    """Return the message about a run that has ended, as JSON; None for a green one, which alarms nobody.

    Nor does a run that a sweep makes without the whole guard: red is what should come out there.
    """
    verdict = final_verdict(record)
    if verdict is None or verdict.verdict == "green":
        return None
    if record.sweep is not None and record.settings.guard != "on":
        return None
    title = f"{COLOUR_ICONS[verdict.verdict]} {headline(record, verdict)}"
    said = [reason.text for reason in verdict.reasons[:_MOST_REASONS]]
    place = (
        f"<{console}/run?run={record.run_id}|Open the run>"
        if console
        else f"`python -m dashboard history show {record.run_id}`"
    )
    about = f"{settings_title(record.settings)}, launched by {record.actor}"
    return {
        "text": f"*{_slack(title)}*\n{_slack(about)}",
        "attachments": [
            {
                "color": _COLOURS[verdict.verdict],
                "fallback": _slack(title),
                "text": "\n".join([*(f"• {_slack(text)}" for text in said), place]),
            }
        ],
    }


def message_of_alarm(alarm: Alarm, console: str | None = None) -> dict[str, Any]:
    """Return the message about something that was seen in a container's log."""
    colour: Colour = "red" if alarm.sure else "inconclusive"
    place = (
        f"<{console}/watch|Open the watches>"
        if console
        else f"`python -m dashboard verdict --container {_slack(alarm.source)}`"
    )
    return {
        "text": f"*{_slack(f'{COLOUR_ICONS[colour]} {alarm.source}')}*",
        "attachments": [
            {
                "color": _COLOURS[colour],
                "fallback": _slack(alarm.text),
                "text": f"{_slack(alarm.text)}\n{place}",
            }
        ],
    }


def _slack(text: str) -> str:
    """Escape what Slack takes for markup: a worker's words must not call a channel, or make a link."""
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Alerts:
    """Sends what is to be sent, one after the other. Threading: any thread may call anything."""

    def __init__(self, webhook: Webhook, actions: Actions, *, waits: Sequence[float] = _WAITS) -> None:
        self._webhook, self._actions, self._waits = webhook, actions, waits
        # Not its own retries: each of them logs the path of the address, which is the secret
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._waiting: queue.SimpleQueue[tuple[str | None, str, dict[str, Any]] | None] = queue.SimpleQueue()
        # The newest only; appended to by the thread alone, and read whole: a deque does both in one step
        self._done: deque[Delivery] = deque(maxlen=_MOST_DELIVERIES)
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        """Where they go."""
        return self._webhook.host

    def run_ended(self, record: RunRecord) -> bool:
        """Alert, if this run calls for it, and tell whether it does; returns at once."""
        message = message_of(record, self._webhook.console)
        if message is not None:
            self._waiting.put((record.run_id, f"run {record.run_id}", message))
        return message is not None

    def alarm(self, alarm: Alarm) -> None:
        """Tell of something that was seen in a container's log; returns at once."""
        self._waiting.put(
            (None, f"the container {alarm.source}", message_of_alarm(alarm, self._webhook.console))
        )

    def deliveries(self) -> tuple[Delivery, ...]:
        """Return what became of the newest alerts, the newest first; one that is still tried is not among."""
        return tuple(reversed(self._done.copy()))

    def close(self, timeout: float) -> bool:
        """Wait until what was put in is sent or given up, `timeout` seconds at most; tell whether it is."""
        self._waiting.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (found := self._waiting.get()) is not None:
            run_id, about, message = found
            delivery = Delivery(time.time(), about, self._webhook.host, self._send(message))
            self._done.append(delivery)
            if not delivery.sent:
                _LOG.warning("%s", delivery.text)
            with suppress(StoreError):  # the run itself says when the history cannot be written
                self._actions.note_action(
                    actor="loadonce",
                    action="alert",
                    target=delivery.host,
                    outcome=delivery.outcome,
                    run_id=run_id,
                )

    def _send(self, message: Mapping[str, Any]) -> str:
        """Send one message and return what became of it, without a word of the webhook's secret."""
        body = json.dumps(message).encode("utf-8")
        for wait in (*self._waits, None):
            asked = 0.0
            try:
                answer = self._http.request(
                    "POST",
                    self._webhook.url,
                    body=body,
                    headers={"Content-Type": "application/json"},
                    redirect=False,  # one that has moved is to be set anew, and its secret not handed on
                )
            except HTTPError as error:
                outcome = f"{UNSENT}{type(error).__name__}"
            else:
                if 200 <= answer.status < 300:
                    return SENT
                outcome = f"{UNSENT}HTTP {answer.status}"
                if answer.status not in _BUSY:
                    return outcome
                asked = _seconds(answer.headers.get("Retry-After", ""))
            if wait is not None:
                time.sleep(max(wait, min(asked, max(self._waits))))
        return outcome


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() else 0.0
