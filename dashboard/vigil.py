"""A vigil over containers' logs: what would make a verdict red is told at once, without a trial. Pure.

lines --Timeline--> load events of this life --red facts--> Alarm, once for each kind of fact
                                              └-----------> WorkerSeen, one for each worker process
"was started again" -------------------------------------> a new life, with nothing behind it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dashboard.evidence import Evidence, LogEvent, LogLine
from dashboard.ledger import Account, read_ledger
from dashboard.profiles import Profile
from dashboard.redfacts import final_red_facts
from dashboard.timeline import Timeline
from loader.events import EventKind

__all__ = ["Alarm", "Vigil", "WorkerSeen"]

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


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """What one worker process has loaded in this life of its container.

    Attributes:
        boot, pid: who it is, as far as its log tells. place: of a stranger's among those of its log, from 1.
        starts, completions, failures: of loads, of all its models together. Where a log never tells that a
            load has ended, its start counts for both.
        loading: a load is under way. wrong: a red fact is among what it did.
        newest: Unix seconds of the newest of these events.
    """

    boot: str | None
    pid: int | None
    place: int
    starts: int = 0
    completions: int = 0
    failures: int = 0
    loading: bool = False
    wrong: bool = False
    newest: float | None = None


class Vigil:
    """Watches the log of one container. For one thread.

    Args:
        profile: whose lines to read; None tries several.
        expected_workers: how many processes may load without their log telling them apart.
    """

    def __init__(self, profile: Profile | str | None = None, *, expected_workers: int = 1) -> None:
        self._profile, self._expected = profile, expected_workers
        self.restarts = 0
        """How often the container was started again since the first line."""
        self.life_began: float | None = None
        """When this life began, Unix seconds; None in the first one."""
        self._begin()

    def _begin(self) -> None:
        self._timeline = Timeline(self._profile, most=_MOST)
        self._told: set[str] = set()
        self._workers: tuple[WorkerSeen, ...] | None = ()

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
                self.restarts, self.life_began = self.restarts + 1, line.time
            else:
                alarms.append(Alarm(line.time, line.source, "gap", line.text, sure=False))
        return (*alarms, *self._look(telling))

    def workers(self) -> tuple[WorkerSeen, ...]:
        """Return the worker processes of this life that have loaded anything, in the order of their loads."""
        if self._workers is None:
            self._workers = self._see_workers()
        return self._workers

    def _see_workers(self) -> tuple[WorkerSeen, ...]:
        events = self._needed()
        evidence = Evidence(events, expected_workers=self._expected)
        workers: dict[tuple[str | None, int], list[Account]] = {}
        for account in read_ledger(evidence).accounts:
            if account.used:
                workers.setdefault((account.boot, account.life), []).append(account)
        return tuple(
            _seen(accounts, _of(events, *worker), self._expected if len(workers) == 1 else 1)
            for worker, accounts in workers.items()
        )

    def _needed(self) -> tuple[LogEvent, ...]:
        return tuple(event for event in self._timeline.events() if event.kind in _NEEDED)

    def _look(self, line: LogLine | None) -> Iterable[Alarm]:
        """Judge the life so far; `line` is the newest that tells anything."""
        if line is None:
            return
        self._workers = None
        evidence = Evidence(self._needed(), expected_workers=self._expected)
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


def _of(events: Iterable[LogEvent], boot: str | None, place: int) -> tuple[LogEvent, ...]:
    """Return the events of one worker process."""
    return tuple(
        event
        for event in events
        if event.boot == boot and (boot is not None or event.fields.get("process", "1") == str(place))
    )


def _seen(accounts: list[Account], events: tuple[LogEvent, ...], expected: int) -> WorkerSeen:
    evidence = Evidence(events, expected_workers=expected)
    first, attempts = accounts[0], [each for account in accounts for each in account.attempts]
    return WorkerSeen(
        first.boot,
        next((account.pid for account in accounts if account.pid is not None), None),
        first.life,
        starts=sum(account.starts for account in accounts),
        completions=sum(each.completed or (each.open and each.endless) for each in attempts),
        failures=sum(each.failed for each in attempts),
        loading=any(each.open and not each.endless for each in attempts),
        wrong=any(final_red_facts(evidence, read_ledger(evidence))),
        newest=max((event.time for event in events if event.kind in _TELLING), default=None),
    )
