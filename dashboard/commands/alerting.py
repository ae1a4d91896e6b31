"""Alerts of a command: sent beside its work, waited for at its end, and told where they did not arrive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from dashboard.commands import CommandError

if TYPE_CHECKING:
    from dashboard.alerts import Alerts
    from dashboard.commands.stopping import Stop
    from dashboard.store import Store
    from dashboard.webhook import Webhook

__all__ = ["alerting", "named_webhook", "tell_interrupted"]

_AT_MOST_S: Final = 60.0
_QUIET_S: Final = 1.5
_TICK_S: Final = 0.2


def named_webhook() -> Webhook | None:
    """Return the webhook that the environment names.

    Raises:
        CommandError: it is none: told before anything is begun that nobody would hear of.
    """
    from dashboard.webhook import AlertError, webhook

    try:
        return webhook()
    except AlertError as error:
        raise CommandError(str(error)) from error


@contextmanager
def alerting(named: Webhook | None, store: Store, stop: Stop | None = None) -> Iterator[Alerts | None]:
    """Give what sends alerts, if there is a webhook; in the end wait for those that are under way.

    Whoever says `stop` meanwhile does not want to wait.
    """
    if named is None:
        yield None
        return
    from dashboard.alerts import Alerts

    alerts = Alerts(named, store)
    try:
        yield alerts
    finally:
        _wait(alerts, stop)
        for delivery in reversed(alerts.deliveries()):
            if not delivery.sent:
                click.echo(f"Warning: {delivery.text}", err=True)


def tell_interrupted(store: Store, alerts: Alerts | None) -> None:
    """Mark the runs whose process has ended in the middle, and alert of those that nobody else has marked.

    Raises:
        StoreError: the history cannot be used.
    """
    from dashboard.alert_desk import take_interrupted

    for record in take_interrupted(store):
        if alerts is not None:
            alerts.run_ended(record)


def _wait(alerts: Alerts, stop: Stop | None) -> None:
    if alerts.close(_QUIET_S):
        return
    click.echo(f"Sending the alert to {alerts.host}, for a minute at the most.", err=True)
    asked = 0 if stop is None else stop.asked  # before: it was the run that was to end, and not its alert
    for _ in range(round((_AT_MOST_S - _QUIET_S) / _TICK_S)):
        if alerts.close(_TICK_S):
            return
        if stop is not None and stop.asked > asked:
            break
    click.echo(f"Warning: An alert has not reached {alerts.host}, and is not tried any longer.", err=True)
