"""A vigil over containers' logs: what would make a verdict red is told at once, without a trial. Pure.

lines --Timeline--> load events of this life --red facts--> Alarm, once for each kind of fact
"was started again" -------------------------------------> a new life, with nothing behind it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dashboard.evidence import Evidence, LogLine
from dashboard.ledger import read_ledger
from dashboard.profiles import Profile
from dashboard.redfacts import final_red_facts
from dashboard.timeline import Timeline
from loader.events import EventKind

__all__ = ["Alarm", "Vigil"]

_TELLING: Final = frozenset[EventKind]({"started", "completed", "failed", "meta_tensor_error"})
_NEEDED: Final = _TELLING | {"released"}
_MOST: Final = 20_000
"""Load events of one life that are judged; of one that has more it is said that the rest is not."""
_RESTARTED: Final = "was started again."


@dataclass(frozen=True, slots=True)
class Alarm:
    """A red fact in a container's log, or a reason why one may have been missed.

    Attributes:
        time: Unix seconds, of the line that showed it.
        code: of the reason; `gap` where lines are missing.
        sure: whether it is red; else it is a doubt.
    """

    time: float
    source: str
    code: str
    text: str
    sure: bool = True


class Vigil:
    """Watches the log of one container. For one thread.

    Args:
        profile: whose lines to read; None tries several.
        expected_workers: how many processes may load without their log telling them apart.
    """

    def __init__(self, profile: Profile | str | None = None, *, expected_workers: int = 1) -> None:
        self._profile, self._expected = profile, expected_workers
        self._begin()

    def _begin(self) -> None:
        self._timeline = Timeline(self._profile, most=_MOST)
        self._told: set[str] = set()

    def feed(self, lines: Iterable[LogLine]) -> tuple[Alarm, ...]:
        """Read the next lines of the log and return what is new and alarming in them."""
        alarms: list[Alarm] = []
        telling: LogLine | None = None
        for line in lines:
            if line.stream != "engine":
                if any(event.kind in _TELLING for event in self._timeline.feed(line)):
                    telling = line
                continue
            alarms += self._look(telling)
            telling = None
            if line.text.endswith(_RESTARTED):
                self._begin()
            else:
                alarms.append(Alarm(line.time, line.source, "gap", line.text, sure=False))
        return (*alarms, *self._look(telling))

    def _look(self, line: LogLine | None) -> Iterable[Alarm]:
        """Judge the life so far; `line` is the newest that tells anything."""
        if line is None:
            return
        events = tuple(event for event in self._timeline.events() if event.kind in _NEEDED)
        evidence = Evidence(events, expected_workers=self._expected)
        found = [
            Alarm(line.time, line.source, reason.code, reason.text)
            for reason in final_red_facts(evidence, read_ledger(evidence))
        ]
        if self._timeline.beyond():
            text = (
                f"More than {_MOST:,} load events since its start: further ones are not judged. Restart it."
            )
            found.append(Alarm(line.time, line.source, "gap", text, sure=False))
        for alarm in found:
            if alarm.code not in self._told:
                self._told.add(alarm.code)
                yield alarm
