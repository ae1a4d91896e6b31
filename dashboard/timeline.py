"""From log lines to load events: occurrences, not lines, with the processes of a stranger's log told apart.

    LogLine --loader.events--> our own event, exact: (boot, seq) is its identity
            --profiles-------> a stranger's event, found by patterns; off for a source that turns out ours

Lines that nobody knows are no events and no errors.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dashboard.evidence import Gap, LogEvent, LogLine
from dashboard.profiles import AUTOMATIC, OURS, PROFILES, Profile, without_colours
from dashboard.strangers import StrangerLog
from dashboard.transports import unwrapped
from dashboard.writers import ended_writer, writer_of
from loader.events import EventKind, LoadEvent, parse_line

__all__ = ["FILLED_LINE", "PROFILE_NAMES", "Timeline", "UnknownProfile", "named_profile"]

PROFILE_NAMES: Final = (OURS, *PROFILES)
FILLED_LINE: Final = -1
"""The line number of an event that no line showed: the worker itself told it."""

_MOST_WRITERS: Final = 10_000
"""Containers and processes that are told apart in one log, so that no log can fill the memory."""
_PROGRESS_SHARE: Final = 10
"""Of the events that are kept, one in so many may be progress: it is the most frequent and proves nothing."""
_ENDS: Final = frozenset[EventKind]({"completed", "failed", "meta_tensor_error"})
_BAR: Final = re.compile(r"[^|]{0,200}\d{1,3}%\|[^|]{0,400}\|[^|\]]{0,100}\](?=\d{4}-)")


class UnknownProfile(ValueError):
    """A profile was asked for that does not exist. The message lists those that do."""


def named_profile(name: str | None, own: Mapping[str, Profile]) -> Profile | str | None:
    """Return what a `Timeline` is given for a profile's name: built in, or one of the user's `own`.

    Raises:
        UnknownProfile: there is none of that name.
    """
    if name is None or name == OURS:
        return name
    found = PROFILES.get(name) or own.get(name)
    if found is None:
        raise UnknownProfile(
            f"There is no log profile {name!r}. Use one of {', '.join((*PROFILE_NAMES, *own))}, or none, and "
            f"these are tried: {', '.join((OURS, *(each.name for each in AUTOMATIC)))}. Profiles of your own "
            "stand in targets.toml, as [profiles.NAME]."
        )
    return found


@dataclass(slots=True)
class _Source:
    """One source's log: read as a stranger's until it turns out to be ours."""

    stranger: StrangerLog | None
    shared: dict[str, StrangerLog] = field(default_factory=dict)  # by what its prefixes name: logs in it
    either: set[str] = field(default_factory=set)  # prefixes that name a container, or a thread
    ours: bool = False
    strays: dict[EventKind, LogEvent] = field(
        default_factory=dict
    )  # the first of each kind, beside our lines

    def stray(self, events: Iterable[LogEvent]) -> None:
        """Take note of what a log of ours says in the words of another service."""
        for event in events:
            if event.profile != OURS:
                self.strays.setdefault(event.kind, event)


class Timeline:
    """Collects the load events of any number of sources.

    Threading: one writer at a time may call `feed` and `fill` (each holds the lock for its own lines only);
    any number of threads may call `events` and `gaps` meanwhile and get an immutable picture.

    Args:
        profile: whose lines to read: a profile, or the name of a built-in one; None tries several.
        most: keep at most so many events; `beyond` counts the others.

    Raises:
        UnknownProfile: there is no built-in profile of that name.
    """

    def __init__(self, profile: Profile | str | None = None, *, most: int | None = None) -> None:
        found = named_profile(profile, {}) if isinstance(profile, str) else profile
        self._reads_ours = found in (None, OURS)
        self._profiles: tuple[Profile, ...] = (found,) if isinstance(found, Profile) else ()
        if found is None:
            self._profiles = AUTOMATIC
        self._most = most
        # Guards everything below: a reader must not see an event of a profile that was just turned off.
        self._lock = threading.Lock()
        self._sources: dict[str, _Source] = {}
        self._events: list[LogEvent] = []
        self._baselines: dict[str, int] = {}
        self._known: set[tuple[str, int, str, int | None, str | None, int | None]] = set()
        self._picture: tuple[LogEvent, ...] | None = ()
        self._kept = [0, 0]  # events, and among them progress
        self._beyond: Counter[EventKind] = Counter()
        self._passed: dict[str, list[range]] = {}  # by boot: numbers of events that were not kept

    def feed(self, line: LogLine, *, before: str | None = None) -> tuple[LogEvent, ...]:
        """Read one line and return the events that are new. A line that is delivered twice counts once.

        `before` is what stood before it in its stream, without colours, where lines that tell nothing are
        left out; else every line must be fed.
        """
        with self._lock:
            source = self._sources.get(line.source)
            if source is None:
                stranger = StrangerLog(self._profiles) if self._profiles else None
                source = self._sources[line.source] = _Source(stranger)
            ours = self._feed_ours(line, source) if self._reads_ours and "event=" in line.text else None
            new = ours or []
            if ours is None and source.stranger is not None:
                seen = self._feed_stranger(line, source, before)
                if source.ours:
                    source.stray(seen)
                else:
                    new = seen
            if new:
                self._events.extend(new if self._most is None else filter(self._has_room, new))
                self._picture = None
            return tuple(new)

    def fill(self, events: Iterable[LoadEvent], *, source: str | None = None) -> tuple[LogEvent, ...]:
        """Add events that the worker itself reports (`/loader`) and return those that no line had shown.

        `source` names the log that they belong to when no line of their process has been seen yet.
        """
        with self._lock:
            home = {event.boot: event.source for event in reversed(self._events) if event.boot is not None}
            new: list[LogEvent] = []
            for told in sorted(events, key=lambda each: (each.boot, each.seq)):
                event = _event(told, home.get(told.boot, source or "loader"), FILLED_LINE)
                if self._is_new(event):
                    self._insert(event)
                    new.append(event)
            return tuple(new)

    def begin_after(self, boot: str, seq: int) -> None:
        """Set the baseline of one of our workers: what it told up to number `seq` is no evidence."""
        with self._lock:
            self._baselines[boot] = seq
            self._events = [each for each in self._events if not self._is_old(each)]
            self._picture = None

    def events(self) -> tuple[LogEvent, ...]:
        """Return all events that stand, in the order in which their logs showed them."""
        with self._lock:
            if self._picture is None:
                self._picture = tuple(self._events)
            return self._picture

    def strays(self) -> tuple[LogEvent, ...]:
        """Return the begins and ends of loads that logs of ours tell of in the words of another service.

        Where there is only one of both it may be a request that somebody printed.
        """
        with self._lock:
            whole = [each.strays for each in self._sources.values() if _ENDS & set(each.strays)]
            return tuple(each["started"] for each in whole if "started" in each)

    def beyond(self) -> Mapping[EventKind, int]:
        """Return how many events of each kind were read and not kept, because there were too many."""
        with self._lock:
            return dict(self._beyond)

    def gaps(self) -> tuple[Gap, ...]:
        """Return the holes in the numbering of each worker's events that nothing has filled."""
        seen = {boot: [range(1, seq + 1)] for boot, seq in self._baselines.items()}
        homes: dict[str, str] = {}
        for event in self.events():
            if event.boot is not None and event.seq is not None:
                seen.setdefault(event.boot, []).append(range(event.seq, event.seq + 1))
                homes.setdefault(event.boot, event.source)
        return tuple(
            Gap(homes[boot], f"Of worker {boot}, {_span(first, last)} missing from the log.")
            for boot, numbers in seen.items()
            if boot in homes
            for first, last in _holes([*numbers, *self._passed.get(boot, ())])
        )

    # -- our own lines ------------------------------------------------------------------------------------

    def _feed_ours(self, line: LogLine, source: _Source) -> list[LogEvent] | None:
        """Return what is new in a line of ours; None for a line that is none."""
        new: list[LogEvent] = []
        found = False
        for piece in line.text.split("\r"):
            plain = _without_terminal(piece)
            told = parse_line(plain) or parse_line(unwrapped(plain))
            if told is None:
                continue
            found = True
            if not source.ours:
                source.ours = True
                names = {line.source, *(f"{line.source} ({name})" for name in source.shared)}
                source.stray(each for each in self._events if each.source in names)
                for name in names:
                    self._replace(name, None)
            event = _event(told, line.source, line.number)
            if self._is_new(event):
                new.append(event)
        return new if found else None

    def _is_new(self, event: LogEvent) -> bool:
        assert event.boot is not None  # only our own events come here; they
        assert event.seq is not None  # carry both
        # The process counts too: a fork that kept its parent's boot tells other events by the same numbers.
        key = (event.boot, event.seq, event.kind, event.load, event.model, event.pid)
        if key in self._known or self._is_old(event):
            return False
        if self._most is None or len(self._known) < self._most:
            self._known.add(key)
        return True

    def _feed_stranger(self, line: LogLine, source: _Source, before: str | None) -> list[LogEvent]:
        stranger = source.stranger
        assert stranger is not None  # the caller's promise
        text = without_colours(line.text)
        ended = ended_writer(text, source.shared) if source.shared else None
        writer = ended or writer_of(text)
        if writer is not None and writer.everywhere and stranger.serves:
            writer = (
                None  # a server's words stood without that prefix: it is the service's own, a thread perhaps
            )
        if writer is not None and writer.doubtful:
            if len(source.either) < _MOST_WRITERS:
                source.either.add(writer.name)
            stranger.hide(len(source.either))
        elif writer is not None:
            if before is None:
                stranger.pass_by(line)
            if writer.name not in source.shared:
                if len(source.shared) >= _MOST_WRITERS:
                    return []
                source.shared[writer.name] = StrangerLog(self._profiles)
            # What a prefix tells apart is a log of its own, and its lines are whole
            stranger = source.shared[writer.name]
            line, before = replace(line, source=f"{line.source} ({writer.name})"), ""
        new, changed = stranger.feed(line, before)
        if ended is not None:
            stranger.end()
        if changed and not source.ours:
            self._replace(line.source, stranger)
        return new

    def _replace(self, name: str, stranger: StrangerLog | None) -> None:
        """Drop what a source has told so far, but for what still stands now that its owner is known."""
        events, self._events = self._events, []
        for event in events:
            if event.source != name:
                self._events.append(event)
            elif stranger is not None:
                self._events.extend(stranger.retold((event,)))
        self._beyond.clear()
        self._picture = None

    def _has_room(self, event: LogEvent) -> bool:
        """Whether an event can be kept; if not, it is counted, and its number remembered."""
        assert self._most is not None  # the caller's promise
        most = self._most // _PROGRESS_SHARE if event.kind == "progress" else self._most
        if self._kept[event.kind == "progress"] < most:
            self._kept[event.kind == "progress"] += 1
            return True
        self._beyond[event.kind] += 1
        if event.boot is not None and event.seq is not None:
            passed = self._passed.get(event.boot, [])
            if passed and passed[-1].stop == event.seq:
                passed[-1] = range(passed[-1].start, event.seq + 1)
            elif len(passed) + len(self._passed) < self._most:
                self._passed[event.boot] = [*passed, range(event.seq, event.seq + 1)]
        return False

    def _is_old(self, event: LogEvent) -> bool:
        return event.boot is not None and (event.seq or 0) <= self._baselines.get(event.boot, 0)

    def _insert(self, event: LogEvent) -> None:
        """Put a reported event where its line would have stood among those of its own process."""
        at = len(self._events)
        for index, other in enumerate(self._events):
            if other.boot == event.boot:
                if (other.seq or 0) > (event.seq or 0):
                    at = index
                    break
                at = index + 1
        self._events.insert(at, event)
        self._picture = None


def _event(told: LoadEvent, source: str, number: int) -> LogEvent:
    return LogEvent(
        kind=told.kind,
        source=source,
        line=number,
        time=told.time.timestamp(),
        profile=OURS,
        text=told.phrase,
        boot=told.boot,
        seq=told.seq,
        load=told.load,
        model=told.model,
        pid=told.pid,
        thread=told.thread,
        fields=told.fields,
    )


def _without_terminal(piece: str) -> str:
    """Drop colours, and a progress bar that a terminal glued before the line; nothing else may be there."""
    piece = without_colours(piece)
    bar = _BAR.match(piece)
    return piece[bar.end() :] if bar is not None else piece


def _holes(seen: list[range]) -> list[tuple[int, int]]:
    """`1-2, 5` -> `[(3, 4)]`: what is missing between 1 and the highest."""
    holes: list[tuple[int, int]] = []
    expected = 1
    for numbers in sorted(seen, key=lambda each: each.start):
        if numbers.start > expected:
            holes.append((expected, numbers.start - 1))
        expected = max(expected, numbers.stop)
    return holes


def _span(first: int, last: int) -> str:
    return f"event {first} is" if first == last else f"events {first} to {last} are"
