"""The alerts of one console: where they go, or why they go nowhere, and what became of the newest.

run's thread  --run_ended--> AlertDesk --Alerts (a thread of its own)--> webhook
watch's thread --alarm-----^     └--state()--> pages
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from dashboard.alerts import Alerts
from dashboard.cut_runs import mark_interrupted
from dashboard.record import RunRecord
from dashboard.store import Store, StoreError
from dashboard.vigil import Alarm
from dashboard.webhook import AlertError, Delivery, webhook

__all__ = ["AlertDesk", "AlertState", "open_alerts", "take_interrupted"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AlertState:
    """How alerts fare.

    Attributes:
        host: where they go; empty while they go nowhere.
        problem: what is wrong with their settings, as a sentence.
        deliveries: what became of the newest ones, the newest first.
    """

    host: str = ""
    problem: str = ""
    deliveries: tuple[Delivery, ...] = ()

    @property
    def trouble(self) -> str:
        """What an operator must know, as a sentence: nobody may believe in alerts that do not arrive."""
        newest = next(iter(self.deliveries), None)
        return self.problem or (newest.text if newest is not None and not newest.sent else "")


class AlertDesk:
    """Takes what may call for an alert. Threading: any thread; nothing blocks but `close`, nothing raises."""

    def __init__(self, alerts: Alerts | None = None, *, problem: str = "") -> None:
        self._alerts, self._problem = alerts, problem

    def run_ended(self, record: RunRecord) -> None:
        """Alert, if this run calls for it."""
        if self._alerts is not None:
            self._alerts.run_ended(record)

    def alarm(self, alarm: Alarm) -> None:
        """Tell of something that was seen in a container's log."""
        if self._alerts is not None:
            self._alerts.alarm(alarm)

    def state(self) -> AlertState:
        """Return how they fare now."""
        if self._alerts is None:
            return AlertState(problem=self._problem)
        return AlertState(self._alerts.host, "", self._alerts.deliveries())

    def close(self, timeout: float) -> None:
        """Send what waits, for `timeout` seconds at the most. Idempotent."""
        if self._alerts is not None and not self._alerts.close(timeout):
            _LOG.warning("Alerts to %s were still under way at the end of the console.", self._alerts.host)


def open_alerts(store: Store, env: Mapping[str, str] = os.environ) -> AlertDesk:
    """Return the alerts that the environment asks for. Wrong settings stop no console: it says so instead."""
    try:
        named = webhook(env)
    except AlertError as error:
        _LOG.error("No alert will be sent. %s", error)
        return AlertDesk(problem=f"No alert is sent. {error}")
    return AlertDesk(None if named is None else Alerts(named, store))


def take_interrupted(store: Store) -> tuple[RunRecord, ...]:
    """Mark the runs whose process has ended in the middle, and return those that nobody else has marked.

    Raises:
        StoreError: the history cannot be used.
    """
    found: list[RunRecord] = []
    for run_id in mark_interrupted(store):
        with suppress(StoreError):  # another version's record: marked, and not to be opened here
            record = store.load(run_id)
            if record is not None and record.status == "interrupted":
                found.append(record)
    return tuple(found)
