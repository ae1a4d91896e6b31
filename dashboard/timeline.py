"""From log lines to load events: occurrences, not lines, with the processes of a stranger's log told apart.

    LogLine --loader.events--> our own event, exact: (boot, seq) is its identity
            --profiles-------> a stranger's event, found by patterns; off for a source that turns out ours

Lines that nobody knows are no events and no errors.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dashboard.evidence import Gap, LogEvent, LogLine
from dashboard.profiles import PROFILES, Profile, Sighting, find_marks, may_tell, without_colours
from loader.events import LoadEvent, parse_line

__all__ = ["FILLED_LINE", "PROFILE_NAMES", "REACH", "Timeline", "UnknownProfile"]

OURS: Final = "loadonce"
PROFILE_NAMES: Final = (OURS, *PROFILES)
FILLED_LINE: Final = -1
"""The line number of an event that no line showed: the worker itself told it."""

REACH: Final = 64
"""Characters on each side of a line's border in which a cut phrase is looked for."""
_BAR: Final = re.compile(r"[^|]{0,200}\d{1,3}%\|[^|]{0,400}\|[^|\]]{0,100}\](?=\d{4}-)")


class UnknownProfile(ValueError):
    """A profile was asked for that does not exist. The message lists those that do."""


@dataclass(slots=True)
class _Source:
    """What is known of one source's log: whose it is, and which server process is writing."""

    ours: bool = False
    read: set[tuple[int, int]] = field(default_factory=set)  # lines that told something: number, hash
    tails: dict[str, tuple[int, str]] = field(default_factory=dict)  # by stream: last line, its end
    life: int = 1
    pids: set[int] = field(default_factory=set)
    active: bool = False  # whether this life has shown an event
    open: list[str | None] = field(default_factory=list)  # models whose load began and has not ended
    names: dict[str, bool] = field(default_factory=dict)  # models, and whether the name was cut
    last_model: str | None = None


class Timeline:
    """Collects the load events of any number of sources.

    Threading: one writer at a time may call `feed` and `fill` (each holds the lock for its own lines only);
    any number of threads may call `events` and `gaps` meanwhile and get an immutable picture.

    Raises:
        UnknownProfile: there is no profile of that name.
    """

    def __init__(self, profile: str | None = None) -> None:
        if profile is not None and profile not in PROFILE_NAMES:
            raise UnknownProfile(
                f"There is no log profile {profile!r}. Use one of {', '.join(PROFILE_NAMES)}, "
                "or none, and every profile is tried."
            )
        self._reads_ours = profile in (None, OURS)
        self._profiles: tuple[Profile, ...] = tuple(
            each for name, each in PROFILES.items() if profile in (None, name)
        )
        # Guards everything below: a reader must not see an event of a profile that was just turned off.
        self._lock = threading.Lock()
        self._sources: dict[str, _Source] = {}
        self._events: list[LogEvent] = []
        self._baselines: dict[str, int] = {}
        self._known: set[tuple[str, int, str, int | None, str | None, int | None]] = set()
        self._picture: tuple[LogEvent, ...] | None = ()

    def feed(self, line: LogLine, *, before: str | None = None) -> tuple[LogEvent, ...]:
        """Read one line and return the events that are new. A line that is delivered twice counts once.

        `before` is what stood before it in its stream, without colours, where lines that tell nothing are
        left out; else every line must be fed.
        """
        with self._lock:
            source = self._sources.get(line.source)
            if source is None:
                source = self._sources[line.source] = _Source()
            new = self._feed_ours(line, source) if self._reads_ours and "event=" in line.text else []
            if not source.ours and not new and self._profiles:
                new = self._feed_stranger(line, source, before)
            if new:
                self._events.extend(new)
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

    def gaps(self) -> tuple[Gap, ...]:
        """Return the holes in the numbering of each worker's events that nothing has filled."""
        seen = {boot: set(range(1, seq + 1)) for boot, seq in self._baselines.items()}
        homes: dict[str, str] = {}
        for event in self.events():
            if event.boot is not None and event.seq is not None:
                seen.setdefault(event.boot, set()).add(event.seq)
                homes.setdefault(event.boot, event.source)
        return tuple(
            Gap(homes[boot], f"Of worker {boot}, {_span(first, last)} missing from the log.")
            for boot, numbers in seen.items()
            if boot in homes
            for first, last in _holes(numbers)
        )

    # -- our own lines ------------------------------------------------------------------------------------

    def _feed_ours(self, line: LogLine, source: _Source) -> list[LogEvent]:
        new: list[LogEvent] = []
        for piece in line.text.split("\r"):
            told = parse_line(_without_terminal(piece))
            if told is None:
                continue
            if not source.ours:
                source.ours = True
                self._events = [each for each in self._events if each.source != line.source]
                self._picture = None
            event = _event(told, line.source, line.number)
            if self._is_new(event):
                new.append(event)
        return new

    def _is_new(self, event: LogEvent) -> bool:
        assert event.boot is not None  # only our own events come here; they
        assert event.seq is not None  # carry both
        # The process counts too: a fork that kept its parent's boot tells other events by the same numbers.
        key = (event.boot, event.seq, event.kind, event.load, event.model, event.pid)
        if key in self._known or self._is_old(event):
            return False
        self._known.add(key)
        return True

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

    # -- strangers' lines ---------------------------------------------------------------------------------

    def _feed_stranger(self, line: LogLine, source: _Source, before: str | None) -> list[LogEvent]:
        text = without_colours(line.text)
        tail = _follow_on(line, text, source) if before is None else before
        if not may_tell(tail + text):
            return []
        key = (line.number, hash(line.text))
        if key in source.read:
            return []
        data, ending = text.encode("utf-8", "replace"), tail.encode("utf-8", "replace")
        new: list[LogEvent] = []
        marks = find_marks(data)
        for mark in marks:
            _move(source, mark.kind, mark.pid)
        for profile in self._profiles:
            whole = profile.find(data)
            for sighting in (*_across(profile, ending, data, whole), *whole):
                event = _seen(sighting, profile, line, source)
                if event is not None:
                    new.append(event)
        if new or marks:
            source.read.add(key)
        return new


def _follow_on(line: LogLine, text: str, source: _Source) -> str:
    """Return what stood before a line in its stream, and remember its end for the next."""
    number, tail = source.tails.get(line.stream, (-1, ""))
    if line.number <= number:
        return ""  # delivered again, or late: what stood before it is not known
    source.tails[line.stream] = (line.number, (tail + text[-REACH:])[-REACH:])
    return tail


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


def _across(profile: Profile, tail: bytes, data: bytes, whole: tuple[Sighting, ...]) -> tuple[Sighting, ...]:
    """Find phrases that a cut in the middle of a line tore in two: `tail` ends where `data` goes on."""
    border = len(tail)
    found = [each for each in profile.find(tail + data[:REACH]) if each.start < border < each.end]
    if not found:
        return ()
    taken = [(each.start, each.end) for each in profile.find(tail)]
    taken += [(each.start + border, each.end + border) for each in whole]
    return tuple(
        each for each in found if not any(each.start < end and start < each.end for start, end in taken)
    )


def _move(source: _Source, kind: str, pid: int) -> None:
    """Follow what uvicorn and gunicorn say of processes: a new life begins where one must have ended."""
    if kind == "end":
        source.pids.discard(pid)
        return
    # Processes that begin one after the other, before any has loaded, live side by side.
    if kind == "reset" or source.active or pid in source.pids:
        if source.active or source.pids:
            source.life += 1
        source.pids, source.active, source.open = set(), False, []
    if kind == "begin":
        source.pids.add(pid)


def _seen(sighting: Sighting, profile: Profile, line: LogLine, source: _Source) -> LogEvent | None:
    pattern = sighting.pattern
    if pattern.only_during_load and not source.open:
        return None
    fields = dict(sighting.fields)
    model = source.last_model
    if pattern.kind == "started":
        model = source.last_model = _same_model(sighting.model, "cut" in fields, source)
        source.open.append(model)
    elif pattern.kind in ("completed", "failed") and source.open:
        model = source.open.pop(0)  # an end names no model: it is taken for that of the oldest load
    fields.pop("cut", None)
    source.active = True
    fields["process"] = str(source.life)
    if len(source.pids) > 1:
        fields["processes"] = str(len(source.pids))
    return LogEvent(
        kind=pattern.kind,
        source=line.source,
        line=line.number,
        time=line.time,
        profile=profile.name,
        text=line.text[:400].strip(),
        model=model,
        pid=next(iter(source.pids)) if len(source.pids) == 1 else None,
        fields=fields,
    )


def _same_model(name: str | None, cut: bool, source: _Source) -> str | None:
    """Return the known model that `name` means: a name that was cut short means the one that it begins."""
    if name is None:
        return source.last_model
    for known, known_cut in source.names.items():
        if name == known or (known_cut and name.startswith(known)) or (cut and known.startswith(name)):
            return known
    source.names[name] = cut
    return name


def _holes(numbers: set[int]) -> list[tuple[int, int]]:
    """`{1, 2, 5}` -> `[(3, 4)]`: runs that are missing between 1 and the highest."""
    holes: list[tuple[int, int]] = []
    expected = 1
    for number in sorted(numbers):
        if number > expected:
            holes.append((expected, number - 1))
        expected = number + 1
    return holes


def _span(first: int, last: int) -> str:
    return f"event {first} is" if first == last else f"events {first} to {last} are"
