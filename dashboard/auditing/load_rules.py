"""The rules for one load: who is held back while it runs, who looks again, when it is published."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dashboard.auditing.doubts import claimed, doubted, is_lock, tried_only, unlocked
from dashboard.auditing.findings import Finding
from dashboard.auditing.trace import Event, Trace
from dashboard.auditing.values import Held, LockValue, Slot

__all__ = ["Entry", "LoadRules"]

_BUILT_IN: Final = frozenset(dir(builtins))
_GLOBALS: Final = "one lock at module level, beside what it guards"


@dataclass(frozen=True, slots=True)
class Entry:
    """A function that was audited. `asked`: somebody named it; `builder`: it is called like a mere maker."""

    name: str
    line: int
    trace: Trace
    asked: bool
    builder: bool = False


class LoadRules:
    """One load, and what stands round it."""

    def __init__(self, entry: Entry, load: Event) -> None:
        self.entry, self.trace, self.load = entry, entry.trace, load
        self.what = load.what if load.kind == "load" else f"What fills {load.what}"
        self.held = load.held
        self.good = [held for held in self.held if _excludes(held.lock)]
        self.kept = [event for event in self.trace.of("publish") if event is load or event.may_follow(load)]

    def judged(self) -> Iterator[Finding]:
        if any(held.lock.kind == "single-flight" for held in self.held):
            return
        regions = frozenset(held.region for held in self.good)
        again = self._looked_again(regions)
        strange = [held for held in self.held if not is_lock(held)]
        if strange and not self.good:
            yield doubted(strange[0])  # a guard of another file: it may look, and keep, by itself
            return
        yield from self._not_shared()
        if self.apart:
            return
        cache = next((held for held in self.held if held.lock.kind == "cache"), None)
        if cache is not None:
            before = any(self.held.index(held) < self.held.index(cache) for held in self.good)
            if not (before or again):
                yield self._cached(cache)
            return
        doubtful = [held for held in self.held if held.lock.kind == "unknown" or held.lock.reach == "unknown"]
        if not self.good and not doubtful:
            yield from self._unlocked()
            return
        if not self.good:
            # Of several, the innermost under which somebody looks again is the guard
            guards = [held for held in doubtful if self._looked_again(frozenset({held.region}))]
            doubtful = guards[-1:] or doubtful
            yield from (doubted(held) for held in doubtful)
            regions = frozenset(held.region for held in doubtful)
            again = self._looked_again(regions)
        tried = [held for held in self.held if held.region in regions and not held.waited]
        if tried:
            yield tried_only(tried[0])
            return
        if not again:
            yield from self._once_only(regions)
            return
        yield from self._early(regions)

    @property
    def _vague(self) -> bool:
        """Whether neither the lock nor the load is known for what it is: only called so."""
        return not self.good and self.load.weight < 3 and not self.entry.asked

    # -- kept where -----------------------------------------------------------------------------------------

    @property
    def apart(self) -> bool:
        """Whether what was loaded is kept only where other calls do not find it."""
        reaches = {slot.reach for event in self.kept for slot in event.slots}
        return bool(reaches) and not reaches & {"shared", "unknown"}

    def _not_shared(self) -> Iterator[Finding]:
        if not self.apart:
            return
        own = [held.lock for held in self.held if held.lock.reach == "call"]
        event = self.kept[0]
        slot = next(iter(event.slots))
        if own and slot.reach == "call":
            yield self._per_call(own[0])
            return
        who = {
            "thread": "each thread has one of its own, and so loads a model of its own",
            "request": "each request has one of its own, and so loads a model of its own",
        }.get(
            slot.reach, "each call makes the object anew that it is kept in, and so loads a model of its own"
        )
        yield Finding(
            "not-shared",
            event.line,
            True,
            f"The model is kept in {_shown(slot)}, of which {who}. Keep it at module level, behind one lock.",
        )

    def _cached(self, cache: Held) -> Finding:
        if cache.lock.name == "cached_property":
            text = (
                "cached_property holds nobody back since Python 3.12 (before, it held a lock): threads that "
                "come before the first has finished each load a model. Take one lock, and look again inside "
                "it."
            )
            return Finding("not-shared", cache.lock.line, False, text)
        return Finding(
            "not-shared",
            cache.lock.line,
            True,
            f"{cache.lock.name} keeps a result, and holds nobody back until it is there: each thread that "
            "comes before loads a model of its own. Take one lock round the call, and look again inside it.",
        )

    # -- held by whom ---------------------------------------------------------------------------------------

    def _unlocked(self) -> Iterator[Finding]:
        own = [held.lock for held in self.held if held.lock.reach in ("call", "thread", "request")]
        if own:
            yield self._per_call(own[0])
            return
        loose = [held for held in self.held if held.lock.kind == "async"]
        if loose and self._in_coroutines():
            if self._looked_again(frozenset(held.region for held in loose)):
                yield Finding(
                    "unknown",
                    loose[0].line,
                    False,
                    f"{loose[0].lock.name} is a lock for the coroutines of one event loop: other threads, "
                    "and other loops, are not held back. That is enough only where nothing else asks.",
                )
            else:
                yield from self._once_only(frozenset(held.region for held in loose))
            return
        claim = self._claimed()
        if claim is not None or self._elsewhere():
            yield unlocked(self.what, self.load.line) if claim is None else claimed(claim)
            return
        reason = "no lock is held"
        several = [held for held in self.held if held.lock.kind == "several"]
        if loose:
            reason = f"{loose[0].lock.name} is asyncio's, which holds no thread back"
        elif several:
            reason = f"{several[0].lock.name} lets several in at once"
        line = several[0].line if several else self.load.line
        certain, more = self._certainty()
        yield Finding(
            "no-lock",
            line,
            certain,
            f"{self.what} is reached while {reason}: threads that come at once each load.{more} Take "
            f"{_GLOBALS}, look again inside it, and publish last.",
        )

    def _elsewhere(self) -> bool:
        """Whether no more is known than that a function of another file is called."""
        known = self.load.kind != "load" or self.load.weight == 3 or self.load.what[:-2] in _BUILT_IN
        return not known and not self.kept

    def _claimed(self) -> Event | None:
        """Return where a call takes the load upon itself under a lock, before it loads outside of it."""
        for event in self.trace.of("publish"):
            looked = {
                each for check in self.load.checks if check.slot in event.slots for each in check.regions
            }
            held = {each.region for each in event.held if _excludes(each.lock)}
            if looked & held and self.load.may_follow(event):
                return event
        return None

    def _certainty(self) -> tuple[bool, str]:
        """Whether an unguarded load is a race for sure; with a sentence where it is not."""
        looked = [check.order for check in self.load.checks]
        if not self.entry.asked and not looked and self.entry.builder:
            return False, f" Whoever calls {self.entry.name} may hold one; that is not in this call."
        if looked and self._in_coroutines():
            end = min((event.order for event in self.kept), default=self.load.order)
            if not any(min(looked) < event.order < end for event in self.trace.of("wait")):
                return False, (
                    " Coroutines of one event loop are kept apart here, because nothing is awaited "
                    "in between; other threads are not."
                )
        return True, ""

    def _in_coroutines(self) -> bool:
        return all(event.coroutine for event in self.kept or [self.load])

    def _per_call(self, lock: LockValue) -> Finding:
        whose = {
            "thread": "each thread has a lock of its own",
            "request": "each request has a lock of its own",
        }.get(lock.reach, "each call makes a lock of its own here")
        return Finding(
            "lock-per-call",
            lock.line or self.load.line,
            True,
            f"{lock.name or 'The lock'}: {whose}, so nobody ever waits for anybody. Make {_GLOBALS}.",
        )

    # -- looked again ---------------------------------------------------------------------------------------

    def _looked_again(self, regions: frozenset[int]) -> bool:
        for check in self.load.checks:
            if not check.regions & regions:
                continue
            filled = [event for event in self.trace.of("publish") if check.slot in event.slots]
            if any(event.regions & check.regions & regions for event in filled):
                return True
            if not filled and (self.trace.cut or check.slot.reach == "unknown"):
                return True
        return False

    def _once_only(self, regions: frozenset[int]) -> Iterator[Finding]:
        held = next(held for held in self.held if held.region in regions)
        late = [
            event
            for event in self.kept
            if not event.regions & regions
            and any(check.slot in event.slots and check.regions & regions for check in self.load.checks)
        ]
        if late:
            text = (
                f"The lock is let go before {late[0].what} is filled (line {late[0].line}): who waits finds "
                "it empty, and loads again. Publish while the lock is held."
            )
        elif any(check.regions & regions for check in self.load.checks):
            text = (
                f"What is looked at inside {held.lock.name} is never filled there: everybody who waits loads "
                "again. Keep what was loaded where the check looks."
            )
        else:
            text = (
                f"Nobody looks again once {held.lock.name} is held: everybody who waited loads again. Test a "
                "second time inside the lock whether the model is there."
            )
        certain = self.entry.asked or not self.entry.builder or bool(self.load.checks)
        yield Finding("no-second-check", held.line, certain and not self._vague, text)

    # -- published last -------------------------------------------------------------------------------------

    def _early(self, regions: frozenset[int]) -> Iterator[Finding]:
        published = [
            event for event in self.trace.of("publish") if event.regions & regions and self._with_load(event)
        ]
        filled = frozenset[Slot]().union(*(event.slots for event in published))
        found: dict[int, Finding] = {}
        for test in self.trace.of("test"):
            group = test.slots & filled
            if test.regions & regions or not group or test.order > self.load.order:
                continue
            for work in self.trace.of("load", "touch", "publish"):
                opened = self._opened(group, published, work)
                if opened is None or not self._late(work, opened, published):
                    continue
                before = found.get(opened.line)
                if before is None or (work.certain and not before.certain):
                    found[opened.line] = _too_early(opened, work, test, vague=self._vague)
        yield from found.values()

    def _with_load(self, event: Event) -> bool:
        return event is self.load or event.may_follow(self.load) or self.load.may_follow(event)

    @staticmethod
    def _opened(group: frozenset[Slot], published: list[Event], work: Event) -> Event | None:
        """Return the publication that let others pass before `work`; None where nobody could."""
        last: Event | None = None
        for slot in group:
            first = next((each for each in published if slot in each.slots and work.may_follow(each)), None)
            if first is None:
                return None
            if last is None or first.order > last.order:
                last = first
        return last

    @staticmethod
    def _late(work: Event, opened: Event, published: list[Event]) -> bool:
        """Whether what was loaded is not whole before `work`: it is changed, or more of it comes."""
        if work.kind == "touch":
            return any(work.slots & each.slots or work.loads & each.loads for each in published)
        if work.kind == "publish":
            # What was loaded beside it; one statement that fills several is as good as one assignment
            return bool(work.loads) and not work.slots & opened.slots and work.line != opened.line
        return work.weight > 0


def _too_early(opened: Event, work: Event, test: Event, *, vague: bool) -> Finding:
    return Finding(
        "early-publication",
        opened.line,
        work.certain and not vague,
        f"{opened.what} is filled here, before {_told(work)} (line {work.line}) is done: a call that "
        f"looks in between, without the lock (line {test.line}), gets an unfinished model. Work on a local "
        "name, and assign this last.",
    )


def _told(work: Event) -> str:
    return f"{work.what} =" if work.kind == "publish" else work.what


def _excludes(lock: LockValue) -> bool:
    return lock.kind in ("thread", "single-flight") and lock.reach == "shared"


def _shown(slot: Slot) -> str:
    return str(slot).split("#")[0] + (f".{slot.name}" if "#" in str(slot) else "")
