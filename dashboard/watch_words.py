"""How a watch reads: its state, its workers and its alarms, in words, with an icon and a colour. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from dashboard.language import _, moment, n_, number
from dashboard.retold import told
from dashboard.vigil import WorkerSeen
from dashboard.watch_file import KeptAlarm, Watched
from dashboard.watching import WatchState, WatchView

__all__ = ["Badge", "alarm_rows", "alarms_of", "badge", "facts", "state_words", "worker_rows"]

Tone = Literal["red", "orange", "green", "blue", "gray"]

_MOST_ROWS: Final = 200
_MOST_SHOWN: Final = 3
_EARLY_S: Final = 2.0
"""An engine notes a start a little after the process has begun to write."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A state at a glance: never by its colour alone."""

    words: str
    icon: str
    tone: Tone

    @property
    def markdown(self) -> str:
        """The badge, for a page."""
        return f":{self.tone}-badge[:material/{self.icon}: {self.words}]"


def badge(view: WatchView) -> Badge:
    """Return how a watch stands: what is wrong first, then what hinders it, then what was seen."""
    if any(worker.wrong for worker in view.workers):
        return Badge(_("Alarm"), "notification_important", "red")
    hindered = _hindered(view.state)
    if hindered is not None:
        return hindered
    if any(worker.loading for worker in view.workers):
        return Badge(_("Loading"), "progress_activity", "blue")
    if not view.workers:
        return Badge(_("No load yet"), "hourglass_empty", "gray")
    if any(not worker.completions for worker in view.workers):
        return Badge(_("A load failed"), "warning", "orange")
    return Badge(_("Loaded as it should be"), "check_circle", "green")


def _hindered(state: WatchState) -> Badge | None:
    if state in ("connecting", "closed"):
        return Badge(_("Looking"), "hourglass_top", "gray")
    return {
        "stopped": Badge(_("Not running"), "stop_circle", "gray"),
        "away": Badge(_("Not followed"), "cloud_off", "orange"),
        "gone": Badge(_("No such container"), "help", "orange"),
        "hidden": Badge(_("Not shown here"), "visibility_off", "orange"),
    }.get(state)


def state_words(view: WatchView) -> str:
    """Return what hinders a watch, as a sentence; nothing while it follows."""
    return "" if view.state in ("following", "connecting", "closed") else told(view.text)


def facts(view: WatchView) -> str:
    """Return what was read since when, in one line."""
    watched: Watched = view.watched
    parts = [_("since {time}, by {actor}", time=moment(watched.since, "d MMM HH:mm"), actor=watched.actor)]
    if view.began is not None:
        parts.append(_("its life began {time}", time=moment(view.began, "d MMM HH:mm:ss")))
    parts.append(n_("{count} restart seen", "{count} restarts seen", view.restarts))
    parts.append(n_("{count} line read", "{count} lines read", view.lines))
    if watched.expected_workers > 1:
        parts.append(n_("{count} worker expected", "{count} workers expected", watched.expected_workers))
    if watched.profile is not None:
        parts.append(_("profile {name}", name=watched.profile))
    return " · ".join(parts)


def worker_rows(workers: Iterable[WorkerSeen]) -> list[Mapping[str, Any]]:
    """Return a row for each worker process, for a table."""
    return [
        {
            _("State"): _worker_state(worker),
            _("Worker process"): _who(worker),
            _("Loads"): worker.starts,
            _("Completed"): worker.completions,
            _("Failed"): worker.failures,
            _("Last load"): None if worker.newest is None else moment(worker.newest, "d MMM HH:mm:ss"),
        }
        for worker in workers
    ]


def _worker_state(worker: WorkerSeen) -> str:
    if worker.wrong:
        return _("✕ Not loaded exactly once")
    if worker.loading:
        return _("… Loading")
    if not worker.completions:
        return _("? No load has succeeded")
    return _("✓ Loaded once") if worker.starts == 1 else _("✓ As often as is right")


def _who(worker: WorkerSeen) -> str:
    if worker.boot is None and worker.pid is None:
        return _("process {number} of its log", number=number(worker.place))
    if worker.boot is None:
        return _("pid {pid}", pid=worker.pid)
    return worker.boot if worker.pid is None else _("{boot}, pid {pid}", boot=worker.boot, pid=worker.pid)


def alarms_of(view: WatchView, alarms: Iterable[KeptAlarm]) -> list[KeptAlarm]:
    """Return the newest alarms of a watch's container in its present life; `alarms` come newest first."""
    began = (view.began or 0.0) - _EARLY_S
    own = (alarm for alarm in alarms if alarm.container == view.watched.container and alarm.time >= began)
    return list(islice(own, _MOST_SHOWN))


def alarm_rows(alarms: Iterable[KeptAlarm]) -> list[Mapping[str, Any]]:
    """Return a row for each of the newest alarms, for a table."""
    return [
        {
            _("When"): moment(alarm.time, "d MMM y HH:mm:ss"),
            _("Container"): alarm.container,
            _("What"): _("✕ Red") if alarm.sure else _("? Lines are missing"),
            _("Reason"): told(alarm.text),
            _("Code"): alarm.code,
        }
        for alarm in list(alarms)[:_MOST_ROWS]
    ]
