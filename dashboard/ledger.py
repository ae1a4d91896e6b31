"""The ledger of loads: events put to account by worker, model and generation, attempt by attempt.

    events --known workers--> Account (worker, model, generation) --> Attempt, Attempt, …
           --others---------> unknown: they count for nobody, and nobody may forget them

A worker is a `boot` where the log is ours, and a server process of the log where it is a stranger's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dashboard.evidence import Evidence, LogEvent
from dashboard.profiles import VAGUE
from loader.events import EventKind

__all__ = ["Account", "Attempt", "Ledger", "read_ledger"]

_ENDS: frozenset[EventKind] = frozenset({"completed", "failed", "meta_tensor_error"})


@dataclass(slots=True, eq=False)  # each is itself, whatever it holds
class Attempt:
    """One load: how it began, how it ended. `order` is its place among the starts of its account, from 1."""

    order: int
    load: int | None
    started: LogEvent | None = None
    ended: LogEvent | None = None
    meta: bool = False
    overlapped: bool = False

    @property
    def completed(self) -> bool:
        """Whether it gave a model."""
        return self.ended is not None and self.ended.kind == "completed"

    @property
    def failed(self) -> bool:
        """Whether it ended in an error."""
        return self.ended is not None and self.ended.kind != "completed"

    @property
    def open(self) -> bool:
        """Whether it began and has not ended."""
        return self.started is not None and self.ended is None

    @property
    def endless(self) -> bool:
        """Whether its log is of a kind that never says that a load has ended."""
        began = self.started
        return began is not None and began.boot is None and began.fields.get("ends") == "untold"

    @property
    def retriable(self) -> bool:
        """Whether it failed alone and without meta tensors, so that a later success makes up for it."""
        return self.failed and not self.meta and not self.overlapped


@dataclass(slots=True)
class Account:
    """All that one worker did with one model in one generation.

    Attributes:
        boot: the worker's identity; None for a stranger's process.
        life: place of a stranger's process among those of its log. epoch: the same of the life of the whole
            service that it belongs to, where several processes share one.
        room: how many processes may hide in this account, because their log does not tell them apart.
        peak: how many loads were under way at once, at most. starts: how many began.
        running: those that have not ended, the oldest first. by_load: the newest of each load number.
    """

    source: str
    boot: str | None
    life: int
    model: str | None
    generation: int = 0
    pid: int | None = None
    room: int = 1
    attempts: list[Attempt] = field(default_factory=list)
    requested: list[LogEvent] = field(default_factory=list)
    metas: list[LogEvent] = field(default_factory=list)
    progress: int = 0
    peak: int = 0
    starts: int = 0
    epoch: int = 1
    running: list[Attempt] = field(default_factory=list)
    by_load: dict[int, Attempt] = field(default_factory=dict)

    @property
    def completions(self) -> int:
        """How many loads gave a model."""
        return sum(attempt.completed for attempt in self.attempts)

    @property
    def failures(self) -> int:
        """How many loads ended in an error."""
        return sum(attempt.failed for attempt in self.attempts)

    @property
    def used(self) -> bool:
        """Whether anything was loaded, or was tried to be."""
        return bool(self.attempts or self.metas)

    @property
    def vague(self) -> bool:
        """Whether what its starts name may be no model."""
        return any(each.started is not None and VAGUE in each.started.fields for each in self.attempts)

    def take(self, event: LogEvent) -> None:
        """Put one more event to this account."""
        if event.kind == "requested":
            self.requested.append(event)
        elif event.kind == "progress":
            self.progress += 1
        elif event.kind == "started":
            self._start(event)
        elif event.kind in _ENDS:
            self._end(event)

    def _start(self, event: LogEvent) -> None:
        self.starts += 1
        attempt = Attempt(self.starts, event.load, started=event)
        if self.running and self.room == 1 and not attempt.endless:
            # All that run were marked when the second of them began.
            attempt.overlapped = self.running[0].overlapped = True
        self.running.append(attempt)
        self.peak = max(self.peak, len(self.running))
        self._enter(attempt)

    def _enter(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if attempt.load is not None:
            self.by_load[attempt.load] = attempt

    def _end(self, event: LogEvent) -> None:
        attempt = self._ended_by(event)
        if event.kind == "meta_tensor_error" or _is_meta(event):
            if not (attempt is not None and attempt.meta and event.boot is not None):
                self.metas.append(event)  # a worker of ours may tell one error in two events
            if attempt is not None:
                attempt.meta = True
            if event.boot is None and event.kind == "meta_tensor_error":
                return  # a stranger prints the words more than once for one load, and may go on
        if attempt is None:
            attempt = Attempt(len(self.attempts) + 1, event.load)
            attempt.meta = event.kind == "meta_tensor_error" or _is_meta(event)
            self._enter(attempt)
        if attempt.ended is None or attempt.ended.kind != "completed":
            attempt.ended = event
        if attempt in self.running:
            self.running.remove(attempt)

    def _ended_by(self, event: LogEvent) -> Attempt | None:
        if event.load is not None:
            same = self.by_load.get(event.load)
            if same is None or same.ended is None or event.kind == "meta_tensor_error" or _is_meta(event):
                return same
            # One failure may be told twice. Any other second end is one of its own, whatever its number says.
            return same if same.failed and event.kind == "failed" else None
        if self.running:
            return self.running[0]
        if event.kind == "failed" and self.attempts and self.attempts[-1].failed:
            return self.attempts[-1]  # one error, told again
        return None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that was loaded, and by whom.

    Attributes:
        known: boots that belong to the target. parents: boot -> the boot it was forked from.
        unknown: events of boots that nothing but the log itself vouches for.
        quoted: lines of strangers that may be a load's, or may only repeat what a request says.
    """

    accounts: tuple[Account, ...]
    known: frozenset[str]
    parents: Mapping[str, str]
    unknown: tuple[LogEvent, ...]
    quoted: tuple[LogEvent, ...] = ()

    def of(self, boot: str) -> tuple[Account, ...]:
        """Return the accounts of one worker."""
        return tuple(account for account in self.accounts if account.boot == boot)

    def attempt(self, boot: str, load: int) -> tuple[Account, Attempt] | None:
        """Return the load of that number; a forked worker also answers for its parent's."""
        seen: set[str] = set()
        home: str | None = boot
        while home is not None and home not in seen:
            for account in self.of(home):
                for attempt in account.attempts:
                    if attempt.load == load:
                        return account, attempt
            seen.add(home)
            home = self.parents.get(home)
        return None


def read_ledger(evidence: Evidence) -> Ledger:
    """Put the events of `evidence` to account. Events of ours that come twice count once."""
    events = _ordered(evidence.events)
    parents = {
        event.boot: event.fields["parent_boot"]
        for event in events
        if event.boot is not None and "parent_boot" in event.fields
    }
    known = _known(evidence, events, parents)
    lives = {(each.source, _life(each)) for each in events if each.boot is None and not _is_quoted(each)}
    accounts: dict[tuple[str, str, str | None, int], Account] = {}
    generations: dict[tuple[str, str, str | None], int] = {}
    names = _stranger_names(events)
    quoted: list[LogEvent] = []
    for event in events:
        if event.boot is not None and event.boot not in known:
            continue
        if _is_quoted(event):
            quoted.append(event)
            continue
        worker = (event.source, str(_life(event))) if event.boot is None else ("", event.boot)
        model = event.model if event.boot is not None else event.model or names.get(worker)
        subject = (*worker, model)
        generation = generations.setdefault(subject, 0)
        if event.kind == "released":
            generations[subject] = generation + 1
            continue
        account = accounts.get((*subject, generation))
        if account is None:
            room = evidence.expected_workers if event.boot is None and len(lives) == 1 else 1
            life = _life(event) if event.boot is None else 1
            account = Account(event.source, event.boot, life, model, generation, event.pid, room)
            account.epoch = int(event.fields.get("life", life)) if event.boot is None else 1
            accounts[*subject, generation] = account
        if event.boot is None:
            account.room = max(account.room, int(event.fields.get("processes", "1")))
        account.take(event)
    unknown = tuple(event for event in events if event.boot is not None and event.boot not in known)
    return Ledger(tuple(accounts.values()), known, parents, unknown, tuple(quoted))


def _known(evidence: Evidence, events: Iterable[LogEvent], parents: Mapping[str, str]) -> frozenset[str]:
    if evidence.workers is None:
        return frozenset(event.boot for event in events if event.boot is not None)
    known = {worker.boot for worker in evidence.workers}
    known |= {variant.boot for variant in evidence.variants or () if variant.boot is not None}
    for child in parents:
        line = [child]
        while line[-1] in parents and parents[line[-1]] not in line:
            line.append(parents[line[-1]])
        if known & set(line):
            known.add(child)
    return frozenset(known)


def _ordered(events: Iterable[LogEvent]) -> list[LogEvent]:
    """Drop what was delivered twice, and put each worker's own events in the order of their numbers."""
    kept: list[LogEvent] = []
    seen: set[tuple[str, int, EventKind, int | None, str | None]] = set()
    by_boot: dict[str, list[tuple[int, LogEvent]]] = {}
    for event in events:
        if event.boot is not None and event.seq is not None:
            key = (event.boot, event.seq, event.kind, event.load, event.model)
            if key in seen:
                continue
            seen.add(key)
            by_boot.setdefault(event.boot, []).append((len(kept), event))
        kept.append(event)
    for places in by_boot.values():
        ordered = sorted((event for _, event in places), key=lambda event: event.seq or 0)
        for (at, _), event in zip(places, ordered, strict=True):
            kept[at] = event
    return kept


def _stranger_names(events: Iterable[LogEvent]) -> dict[tuple[str, str], str]:
    """Return the first model that each process of a stranger's log names: events without a name mean it."""
    names: dict[tuple[str, str], str] = {}
    for event in events:
        if event.boot is None and event.model is not None:
            names.setdefault((event.source, str(_life(event))), event.model)
    return names


def _life(event: LogEvent) -> int:
    process = event.fields.get("process", "1")
    return int(process) if process.isdecimal() else 1


def _is_quoted(event: LogEvent) -> bool:
    return event.boot is None and "quoted" in event.fields


def _is_meta(event: LogEvent) -> bool:
    if event.kind != "failed":
        return False
    told = " ".join(event.fields.values()).lower()
    return "metatensor" in told or "meta tensor" in told
