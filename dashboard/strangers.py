"""A stranger's log, read by profiles: whose it is, which processes write it, and the load events it shows.

    line --profiles--> sightings --the profile that claims the log--> events, each put to a process
         --marks-----> processes: uvicorn's and gunicorn's lives; vLLM's lines name theirs

When no profile is named, several are tried and one has the log: what it shows stands, and what others saw
before is dropped. A start claims more than an end, and the guide's service more than any other (`_CLAIMS`).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from dashboard.evidence import LogEvent, LogLine
from dashboard.profiles import QUOTED, Mark, Profile, Sighting, find_marks, may_tell, without_colours
from dashboard.profiles.names import same_name

__all__ = ["REACH", "StrangerLog"]

REACH: Final = 64
"""Characters on each side of a line's border in which a cut phrase is looked for."""
_CLAIMS: Final = {
    ("feedlyai", True): 0,
    ("vllm", True): 1,
    ("feedlyai", False): 2,
    ("vllm", False): 3,
    ("sentence-transformers", True): 4,
}
"""By the name of a profile, and whether it saw a start (else an end): the least has the log."""
_NO_CLAIM: Final = 9
_MOST: Final = 10_000
"""Models, processes and open loads that are told apart in one log, so that no log can fill the memory."""
_FEW: Final = 100
"""Names of models among which the rest of one that was cut short is looked for."""
_KEPT: Final = frozenset({"progress", "meta_tensor_error"})
"""What stays true of a log whoever has it."""


@dataclass(slots=True)
class _Process:
    """One process that writes the log, its number there, and the models of its loads under way.

    `loads`: how many it has begun.
    """

    number: int
    pid: int | None = None
    loads: int = 0
    open: deque[str | None] = field(default_factory=lambda: deque(maxlen=_MOST))


@dataclass(slots=True)
class _Life:
    """What lives between two restarts.

    Attributes:
        main: whoever writes lines that name no process. named: the others, by pid.
        pids: server processes that uvicorn and gunicorn tell of. booted: those that only gunicorn told of.
        active: whether it has shown an event. over: whether its last server process has ended.
        before: whether loads stood before the first word of any server: those of the one that then began,
            which imports the service first, or of another one, whose first words are cut off.
        size: of how many processes the service says it will be.
    """

    main: _Process
    named: dict[int, _Process] = field(default_factory=dict)
    pids: set[int] = field(default_factory=set)
    booted: set[int] = field(default_factory=set)
    active: bool = False
    over: bool = False
    before: bool = False
    size: int = 1


class StrangerLog:
    """Reads the log of one source that is not our worker's. Threading: for one thread at a time."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self._profile = profiles[0]
        self._rivals = tuple(profiles)
        self._claim = _NO_CLAIM if len(profiles) > 1 else -1
        self._searches = any(each.own for each in profiles)
        self._read: set[tuple[int, int]] = set()  # lines that told something: number, hash
        self._last_sifted = -1
        self._tails: dict[str, tuple[int, str]] = {}  # by stream: last line, its end
        self._numbers = itertools.count(1)
        self._life = self._new_life()
        self._names: dict[str, tuple[str, bool]] = {}  # models as first written, by `same_name`; if cut
        self._last_model: str | None = None
        self._hidden = 1

    def hide(self, writers: int) -> None:
        """Take it that so many processes may write this log, though nothing tells them from threads."""
        self._hidden = max(self._hidden, writers)

    def end(self) -> None:
        """Take note that whoever writes this log has ended: what is loaded next is loaded by another one."""
        self._life.pids.clear()
        self._life.over = self._life.active

    def feed(self, line: LogLine, before: str | None) -> tuple[list[LogEvent], bool]:
        """Return the events that a line shows, and whether the log has changed hands by it: see `retold`.

        `before` is what stood before it in its stream where lines that tell nothing are left out.
        """
        text = without_colours(line.text)
        tail = self._follow_on(line, text) if before is None else before
        if not self._searches and not may_tell(tail + text):
            return [], False
        key = (line.number, hash(line.text))
        if line.number <= self._last_sifted if before is not None else key in self._read:
            return [], False
        data, ending = text.encode("utf-8", "replace"), tail.encode("utf-8", "replace")
        alone = self._searches or may_tell(text)  # else something may only go on in it
        marks = find_marks(data) if alone else ()
        for mark in marks:
            self._move(mark, data)
        changed, sightings = self._look(ending, data, alone=alone)
        new = [event for each in sightings for event in self._events(each, line)]
        if before is not None:
            self._last_sifted = line.number  # sifted lines come once, and in order
        elif new or marks:
            self._read.add(key)
        return new, changed

    def retold(self, events: Iterable[LogEvent]) -> Iterator[LogEvent]:
        """Yield what still stands of the events of this log, now that another profile has it."""
        for event in events:
            if event.kind in _KEPT:
                yield replace(event, profile=self._profile.name, model=None)

    @property
    def serves(self) -> bool:
        """Whether a server has told of its processes here."""
        return bool(self._life.pids)

    def pass_by(self, line: LogLine) -> None:
        """Take note of a line that stands between those of this log and is none of them."""
        self._follow_on(line, without_colours(line.text))

    def _follow_on(self, line: LogLine, text: str) -> str:
        """Return what stood before a line in its stream, and remember its end for the next."""
        number, tail = self._tails.get(line.stream, (-1, ""))
        if line.number <= number:
            return ""  # delivered again, or late: what stood before it is not known
        self._tails[line.stream] = (line.number, (tail + text[-REACH:])[-REACH:])
        return tail

    def _look(self, tail: bytes, data: bytes, *, alone: bool) -> tuple[bool, tuple[Sighting, ...]]:
        """Return whether another profile takes the log over at this line, and what its profile sees in it."""
        held = self._profile
        own: tuple[Sighting, ...] = ()
        for rival in self._rivals:
            whole = rival.find(data) if alone else ()
            seen = (*_across(rival, tail, data, whole), *whole)
            claim = min((_claim_of(rival, each) for each in seen), default=_NO_CLAIM)
            if claim < self._claim:
                self._claim, self._profile = claim, rival
                # Who could never have it any more need not be asked
                self._rivals = tuple(each for each in self._rivals if each is rival or _best(each) < claim)
            if rival is self._profile:
                own = seen
        if self._profile is held:
            return False, own
        self._forget()
        return True, own

    def _forget(self) -> None:
        """Drop the loads that the profile before had seen."""
        for process in (self._life.main, *self._life.named.values()):
            process.open.clear()
        self._names.clear()
        self._last_model = None

    def _new_life(self) -> _Life:
        return _Life(_Process(next(self._numbers)))

    def _move(self, mark: Mark, data: bytes) -> None:
        """Follow what servers say of processes: a new life begins where one must have ended."""
        life = self._life
        if mark.kind == "end":
            life.pids.discard(mark.pid)
            life.over = life.active and not life.pids
        elif mark.kind == "size":
            life.size = max(life.size, mark.pid)
            pid = next((each.pid_before(data, len(data)) for each in self._rivals if each.shards), None)
            if pid is not None:
                self._named(pid)
        elif mark.kind == "reset":
            if life.active or life.pids:
                self._life = self._new_life()
        elif mark.kind == "begin" and mark.pid in life.booted:
            life.booted.discard(mark.pid)  # gunicorn had told of it already
        else:
            self._begin(mark)

    def _begin(self, mark: Mark) -> None:
        life = self._life
        # Processes that begin one after the other, before any has loaded, live side by side. One that begins
        # behind a load and is the first that the life tells of had imported the service, and it loaded.
        if life.over or mark.pid in life.pids or (life.active and life.pids):
            life = self._life = self._new_life()
        elif life.active:
            life.before = life.main.number == 1
        life.pids.add(mark.pid)
        if mark.kind == "boot":
            life.booted.add(mark.pid)

    def _named(self, pid: int) -> _Process:
        process = self._life.named.get(pid)
        if process is None:
            if len(self._life.named) >= _MOST:
                return self._life.main
            process = self._life.named[pid] = _Process(next(self._numbers), pid)
        return process

    def _events(self, sighting: Sighting, line: LogLine) -> Iterator[LogEvent]:
        pattern = sighting.pattern
        if QUOTED in sighting.fields:
            yield _quoted(sighting, line, self._profile.name)
            return
        if pattern.kind == "started" and self._life.over:
            self._life = self._new_life()
        life = self._life
        process = self._process_of(sighting)
        if pattern.only_during_load and not process.open:
            # Who dies cannot say so: a shell, or the process that waited for it, does
            process = next((each for each in (life.main, *life.named.values()) if each.open), process)
            if not process.open:
                return
        fields = dict(sighting.fields)
        times = int(fields.pop("repeated", "1"))
        for _ in range(times):
            model = self._model_of(sighting, process)
            life.active = True
            yield LogEvent(
                kind=pattern.kind,
                source=line.source,
                line=line.number,
                time=line.time,
                profile=self._profile.name,
                text=line.text[:400].strip(),
                model=model,
                pid=self._pid(process),
                fields=self._told_of(process, fields, times),
            )

    def _process_of(self, sighting: Sighting) -> _Process:
        """Return the process that a sighting is put to."""
        life = self._life
        named = None if sighting.process is None else self._named(sighting.process)
        if self._profile.shards:
            return named or life.main
        # Where only some of the starts name their process, the others may be that one's, too
        own = life.main if life.main.loads else named
        if own is None:
            own = max(life.named.values(), key=lambda each: each.loads, default=None)
            own = own if own is not None and own.loads else life.main
        if sighting.pattern.kind != "started" and not own.open and not (named is not None and named.loads):
            own = next((each for each in (life.main, *life.named.values()) if each.open), own)
        return own

    def _model_of(self, sighting: Sighting, process: _Process) -> str | None:
        kind = sighting.pattern.kind
        if kind == "started":
            process.loads += 1
            model = self._last_model = self._same_model(sighting.model, cut="cut" in sighting.fields)
            process.open.append(model)
            return model
        if kind in ("completed", "failed") and process.open:
            if sighting.model in process.open:
                process.open.remove(sighting.model)
                return sighting.model
            return process.open.popleft()  # an end that names no model is taken for that of the oldest load
        return sighting.model or self._last_model

    def _pid(self, process: _Process) -> int | None:
        if process is not self._life.main or self._profile.shards:
            return process.pid
        alone = len(self._life.pids) == 1 and not self._life.before
        return next(iter(self._life.pids)) or None if alone else None  # Flask tells no pid

    def _told_of(self, process: _Process, fields: dict[str, str], times: int) -> dict[str, str]:
        life = self._life
        told = {key: value for key, value in fields.items() if key != "cut"}
        told["process"] = str(process.number)
        many = 1 if process is not life.main else max(len(life.pids) + life.before, self._hidden)
        if self._profile.shards:
            # The servers of these are not those who load
            many = times if life.named else max(times, life.size)
            told["life"] = str(life.main.number)
        if many > 1:
            told["processes"] = str(many)
        if not self._profile.tells_ends:
            told["ends"] = "untold"
        return told

    def _same_model(self, name: str | None, *, cut: bool) -> str | None:
        """Return the known model that `name` means: a name that was cut short means the one it begins."""
        if name is None:
            return self._last_model
        key = same_name(name)
        if key in self._names:
            return self._names[key][0]
        for known, (first, known_cut) in itertools.islice(self._names.items(), _FEW):
            if (known_cut and key.startswith(known)) or (cut and known.startswith(key)):
                return first
        if len(self._names) < _MOST:
            self._names[key] = (name, cut)
        return name


def _quoted(sighting: Sighting, line: LogLine, profile: str) -> LogEvent:
    """Return what says that a request may have been told of in the words of a load."""
    return LogEvent(
        kind="requested",
        source=line.source,
        line=line.number,
        time=line.time,
        profile=profile,
        text=line.text[:400].strip(),
        fields=sighting.fields,
    )


def _best(profile: Profile) -> int:
    return _CLAIMS.get((profile.name, True), _NO_CLAIM)


def _claim_of(profile: Profile, sighting: Sighting) -> int:
    if sighting.pattern.common or sighting.pattern.kind == "progress":
        return _NO_CLAIM
    return _CLAIMS.get((profile.name, sighting.pattern.kind == "started"), _NO_CLAIM)


def _across(profile: Profile, tail: bytes, data: bytes, whole: tuple[Sighting, ...]) -> tuple[Sighting, ...]:
    """Find phrases that a cut in the middle of a line tore in two: `tail` ends where `data` goes on."""
    found = profile.find_across(tail + data[:REACH], len(tail)) if tail else ()
    if not found:
        return ()
    taken = [(each.start, each.end) for each in profile.find(tail)]
    taken += [(each.start + len(tail), each.end + len(tail)) for each in whole]
    return tuple(
        each for each in found if not any(each.start < end and start < each.end for start, end in taken)
    )
