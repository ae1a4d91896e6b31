"""What the Live logs page shows of containers: the address is the truth, the widgets are a way to change it.

    ?container=a&container=b&since=5m&until=…&tail=…&view=side&of=a&at=…
        --seed()--> widgets of this tab --chosen()--> address

A moment that was given as a span (`5m`) is looked up once: a page that runs again must mean the same lines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import session
from dashboard.components.log_view import LogSource
from dashboard.engine.facts import ContainerFacts
from dashboard.live import CONTAINER
from dashboard.live_files import log_file_url
from dashboard.log_range import MOST_LINES, NEWEST, LogRange, RangeError, chosen_moment, chosen_tail

__all__ = [
    "A_TIME",
    "BEGINNINGS",
    "CONTAINERS",
    "ENDS",
    "FROM",
    "FROM_TIME",
    "LINES",
    "MOST_CONTAINERS",
    "MOST_LINES",
    "NEWEST_LINES",
    "UNTIL",
    "UNTIL_TIME",
    "VIEW",
    "VIEWS",
    "LogChoice",
    "chosen",
    "forget",
    "named_containers",
    "seed",
    "sources",
    "troubles",
]

CONTAINERS: Final = "log_containers"
FROM: Final = "log_from"
FROM_TIME: Final = "log_from_time"
LINES: Final = "log_lines"
UNTIL: Final = "log_until"
UNTIL_TIME: Final = "log_until_time"
VIEW: Final = "log_view_mode"
"""Keys of the page's widgets."""
MOST_CONTAINERS: Final = 6

NEWEST_LINES, A_TIME, NOW, MERGED, SIDE = "newest", "time", "now", "merged", "side"
BEGINNINGS: Final = {
    NEWEST_LINES: "The newest lines",
    "start": "Start of this life",
    "5m": "5 minutes ago",
    "1h": "1 hour ago",
    A_TIME: "A time…",
}
ENDS: Final = {NOW: "Now, live", A_TIME: "A time…"}
VIEWS: Final = {MERGED: "Merged by time", SIDE: "Side by side"}

_OWN: Final = ("container", "since", "until", "tail", "view", "of", "at")
_PRESETS: Final = ("start", "5m", "1h")
_SEEDED: Final = "log_address"
_MOMENTS: Final = "log_moments"
_SECONDS: Final = re.compile(r"\d{1,11}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogChoice:
    """What is to be shown.

    Attributes:
        ranges: which part of each container's log.
        at: a container and the time of one of its lines, to show at first.
        errors: what is wrong with the address, in sentences; something near it is shown then.
    """

    ranges: Mapping[str, LogRange]
    side_by_side: bool
    at: tuple[str, float] | None
    errors: tuple[str, ...]

    @property
    def live(self) -> bool:
        """Whether more lines may come."""
        return all(each.until is None for each in self.ranges.values())


def named_containers() -> list[str]:
    """Return the containers that the address names, each once, and no more than fit."""
    return list(dict.fromkeys(filter(None, st.query_params.get_all("container"))))[:MOST_CONTAINERS]


def seed(known: Iterable[ContainerFacts]) -> LogChoice:
    """Give the widgets what the address says, before they are drawn, and return what it means.

    Without a container in the address the first of `known` is taken.
    """
    found = {each.name: each for each in known}
    names = named_containers()
    if not names:
        names = [next(iter(found), "")]
        st.query_params["container"] = names
    address = _address()
    if st.session_state.get(_SEEDED) != address or CONTAINERS not in st.session_state:
        st.session_state[_SEEDED], st.session_state[_MOMENTS] = address, {}
        _give_to_widgets(names, address)
    return _Reading(found, address).choice(st.session_state[CONTAINERS])


def chosen() -> None:
    """Put what the widgets say into the address; for their `on_change`."""
    state = st.session_state
    names = state[CONTAINERS]
    if not names:
        return  # the address keeps those before; the page asks for one
    values: dict[str, str | list[str]] = {"container": names}
    begin, end = state.get(FROM, NEWEST_LINES), state.get(UNTIL, NOW)
    if begin == NEWEST_LINES:
        values |= {"tail": str(state.get(LINES, NEWEST))} if state.get(LINES, NEWEST) != NEWEST else {}
    elif text := begin if begin in _PRESETS else _with_zone(state.get(FROM_TIME, "")):
        values["since"] = text
    if end == A_TIME and (text := _with_zone(state.get(UNTIL_TIME, ""))):
        values["until"] = text
    if state.get(VIEW) == SIDE:
        values["view"] = SIDE
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in _OWN}
    st.query_params.from_dict({**others, **values})
    state[_SEEDED], state[_MOMENTS] = _address(), {}


def forget() -> None:
    """Take what belongs to containers out of the address."""
    for name in _OWN[:-2]:
        st.query_params.pop(name, None)


def sources(choice: LogChoice, names: Iterable[str]) -> dict[str, LogSource]:
    """Return the chosen logs of `names`, each with a token and a mark of its line numbers that hold now."""
    return {name: _source(name, choice.ranges[name]) for name in names}


def troubles(names: Iterable[str]) -> list[str]:
    """Say of each log that is not followed right now why it is not."""
    told = [session.console().containers.following(name) for name in names]
    idle = ("away", "gone", "stopped")
    return list(dict.fromkeys(each.text for each in told if each is not None and each.state in idle))


def _source(name: str, wanted: LogRange) -> LogSource:
    key, log = f"{CONTAINER}{name}", session.console().containers.log_id(name)
    token = session.console().tokens.issue(key)
    return LogSource(
        run_id=key,
        source=name,
        token=token,
        range=replace(wanted, log=log).wire(),
        download=log_file_url(key, token),
    )


class _Reading:
    """Reads one address; collects what is wrong with it."""

    def __init__(self, known: Mapping[str, ContainerFacts], address: Mapping[str, tuple[str, ...]]) -> None:
        self._known, self._address = known, address
        # The engine's clock is the one that the lines are shown with
        self._now = time.time() + session.console().containers.listing().clock_ahead_s
        self._errors: dict[str, None] = {}

    def choice(self, names: Iterable[str]) -> LogChoice:
        at = self._line()
        ranges = {name: self._range(name, None if at is None else at[1]) for name in names}
        side = self._text("view") == SIDE and len(ranges) > 1
        return LogChoice(ranges, side, at, tuple(self._errors))

    def _range(self, name: str, at: float | None) -> LogRange:
        since, until = self._text("since"), self._text("until")
        tail = NEWEST
        try:
            tail = chosen_tail(self._text("tail") or str(NEWEST))
        except RangeError as error:
            self._errors[f"Lines: {error}"] = None
        begin = self._start(name) if since == "start" else self._moment("From", since)
        end = self._moment("Until", until)
        if begin is not None and end is not None and begin > end:
            self._errors["This range ends before it begins: its end is left out."] = None
            end = None
        return LogRange(begin, end, tail, at)

    def _start(self, name: str) -> float | None:
        facts = self._known.get(name)
        if facts is None or facts.begun_at is None:
            self._errors[f"{name} has not been started yet: its newest lines are shown."] = None
            return None
        return self._once(f"start of {name}", facts.begun_at)

    def _moment(self, label: str, text: str) -> float | None:
        if not text:
            return None
        try:
            return self._once(text, chosen_moment(text, self._now, _zone()))
        except RangeError as error:
            self._errors[f"{label}: {error}"] = None
            return None

    def _line(self) -> tuple[str, float] | None:
        name, text = self._text("of"), self._text("at")
        if not name or not text:
            return None
        if not _SECONDS.fullmatch(text):
            self._errors[f"The link is to a line of {name} at {text[:40]!r}, which is no time."] = None
            return None
        return name, float(text)

    def _text(self, name: str) -> str:
        return self._address.get(name, ("",))[-1].strip()

    def _once(self, text: str, found: float) -> float:
        moments: dict[str, float] = st.session_state[_MOMENTS]
        return moments.setdefault(text, found)


def _give_to_widgets(names: list[str], address: Mapping[str, tuple[str, ...]]) -> None:
    since, until = address.get("since", ("",))[-1], address.get("until", ("",))[-1]
    state = st.session_state
    state[CONTAINERS] = names
    state[FROM] = (since if since in _PRESETS else A_TIME) if since else NEWEST_LINES
    state[FROM_TIME] = since if state[FROM] == A_TIME else ""
    state[UNTIL], state[UNTIL_TIME] = A_TIME if until else NOW, until
    state[VIEW] = SIDE if address.get("view") == (SIDE,) else MERGED
    state[LINES] = NEWEST
    with suppress(RangeError):
        state[LINES] = chosen_tail(address.get("tail", ("",))[-1])


def _address() -> dict[str, tuple[str, ...]]:
    return {name: tuple(st.query_params.get_all(name)) for name in _OWN if name in st.query_params}


def _zone() -> ZoneInfo | None:
    """Where the browser is: a time that was typed is one that was read on its screen."""
    with suppress(KeyError, ValueError, OSError):
        return ZoneInfo(st.context.timezone) if st.context.timezone else None
    return None


def _with_zone(text: str) -> str:
    """A typed date as it means the same to a colleague elsewhere; anything else as it is."""
    text, zone = text.strip(), _zone()
    with suppress(ValueError):
        date = datetime.fromisoformat(text)
        if zone is not None and date.tzinfo is None:
            return date.replace(tzinfo=zone).isoformat()
    return text
