"""`watch`: follows containers passively, and alarms when one of them loads its model a second time."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from dashboard.commands import INCONCLUSIVE, CommandError, OutOfReach, print_json
from dashboard.commands.profile_choice import chosen_profile, reading_options

if TYPE_CHECKING:
    from dashboard.alerts import Alerts
    from dashboard.engine.facts import ContainerFacts
    from dashboard.vigil import Alarm, Vigil

__all__ = ["watch"]

_RED: Final = 1


@click.command(
    epilog="Exit codes: 0 nothing, 1 an alarm, 2 usage, 3 lines are missing, 4 a container is out of reach."
)
@click.option("--container", "containers", multiple=True, required=True, metavar="NAME", help="Repeatable.")
@click.option("--for", "span", metavar="SPAN", help="End after so long: 30m, 8h. Default: never.")
@reading_options
@click.option("--json", "as_json", is_flag=True, help="At the end print one JSON object on stdout.")
def watch(
    containers: tuple[str, ...], span: str | None, profile: str | None, expected_workers: int, as_json: bool
) -> int:
    """Watch containers as they work, from the last start of each on, and tell what is wrong at once.

    Nothing is restarted and nothing is triggered. With LOADONCE_WEBHOOK_URL each alarm goes there, too.
    """
    from dashboard.commands.looking import container_to_see
    from dashboard.engine.connection import Engine
    from dashboard.engine.faults import EngineError
    from dashboard.vigil import Vigil

    end, found = _end(span), chosen_profile(profile)
    vigils: dict[str, Vigil] = {}
    alarms: list[Alarm] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as a service is ended: kept, and told
    try:
        with ExitStack() as open_things:
            alerts = _alerts(open_things)
            engine = open_things.enter_context(closing(Engine.open()))
            watched = [container_to_see(engine, name) for name in dict.fromkeys(containers)]
            vigils = {each.name: Vigil(found, expected_workers=expected_workers) for each in watched}
            _follow(engine, watched, vigils, end, alarms, alerts)
    except EngineError as error:
        raise OutOfReach(str(error)) from error
    except KeyboardInterrupt:
        pass
    if as_json:
        print_json({"containers": list(vigils), "alarms": [_alarm_json(alarm) for alarm in alarms]})
    if any(alarm.sure for alarm in alarms):
        return _RED
    return INCONCLUSIVE if alarms else 0


def _follow(
    engine: Any,
    watched: Sequence[ContainerFacts],
    vigils: dict[str, Vigil],
    end: float | None,
    alarms: list[Alarm],
    alerts: Alerts | None,
) -> None:
    from dashboard.commands.following import followed

    for each in watched:
        click.echo(f"Watching {each.name} ({each.image}). Ctrl-C ends it.", err=True)
    for lines in followed(engine, watched, None, ended=lambda: end is not None and time.monotonic() > end):
        for name, vigil in vigils.items():
            for alarm in vigil.feed(line for line in lines if line.source == name):
                _tell(alarm)
                alarms.append(alarm)
                if alerts is not None:
                    alerts.alarm(alarm)


def _tell(alarm: Alarm) -> None:
    from dashboard.printable import printable

    at = datetime.fromtimestamp(alarm.time).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    icon, colour = ("✕", "red") if alarm.sure else ("?", "yellow")
    click.echo(
        f"{at}  {click.style(icon, fg=colour, bold=True)} {printable(alarm.text)} [{alarm.code}]", err=True
    )


def _alerts(open_things: ExitStack) -> Alerts | None:
    """Return what sends alarms on, if anybody has named a webhook; what is on its way is waited for."""
    from dashboard.commands.alerting import alerting, named_webhook
    from dashboard.home import HomeError, data_home
    from dashboard.store import Store, StoreError, store_url

    named = named_webhook()
    if named is None:
        return None
    try:
        store = open_things.enter_context(closing(Store.open(store_url(data_home()))))
    except (HomeError, StoreError) as error:
        raise CommandError(str(error)) from error
    return open_things.enter_context(alerting(named, store))


def _end(span: str | None) -> float | None:
    """Return the moment of the monotonic clock at which a span from now ends."""
    from dashboard.moments import MomentError, moment

    if span is None:
        return None
    try:
        seconds = 0.0 - moment(span, 0.0)
    except MomentError:
        seconds = 0.0  # a date is refused, too: what is asked for is how long
    if seconds <= 0:
        raise CommandError(f"--for: {span!r} is no span of time. Give one such as 30m, 8h or 1h30m.")
    return time.monotonic() + seconds


def _alarm_json(alarm: Alarm) -> dict[str, object]:
    from dashboard.report import iso

    return {
        "time": iso(alarm.time),
        "container": alarm.source,
        "code": alarm.code,
        "text": alarm.text,
        "sure": alarm.sure,
    }
