"""The rules of an audit: what the facts of one call mean for many calls at once. Pure.

each load --> is its result kept where all find it?    not-shared
          --> is one lock held, the same for all?      no-lock, lock-per-call, unknown
          --> was it looked again while that is held?  no-second-check
          --> is anything done after the publication?  early-publication
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from dashboard.auditing.findings import Finding
from dashboard.auditing.load_rules import Entry, LoadRules
from dashboard.auditing.memory import loads_of
from dashboard.auditing.trace import Event
from dashboard.auditing.values import Instance, Items, Slot, Stored, Value

__all__ = ["given_at_import", "judge", "loads_in"]

_MOST_LOADS: Final = 100
"""Ways to loads that are judged in one function; who has more has seen enough of what is wrong."""


def loads_in(entry: Entry) -> list[Event]:
    """Return what is loaded in a call: by known libraries, else by names, else whatever is kept."""
    trace = entry.trace
    found = [event for event in trace.of("load", "publish") if event.weight == 3]
    known = [event for event in found if event.kind == "load"]
    if known:
        return found
    return (
        [*(event for event in trace.of("load") if event.weight == 2), *found]
        or _kept(entry)
        or [event for event in trace.of("load") if event.weight == 1]
        or _given(entry)
    )


def _given(entry: Entry) -> list[Event]:
    """What a call makes and gives away without keeping it, where somebody says that this is a load."""
    given = loads_of(entry.trace.returned)
    made = [event for event in entry.trace.of("load") if event.order in given]
    return [event for event in made if entry.asked or any(held.lock.kind == "cache" for held in event.held)]


def _kept(entry: Entry) -> list[Event]:
    """What a call makes and keeps, where it looked before: a lazy load of nobody knows what."""
    looked = {slot for event in entry.trace.of("test") for slot in event.slots}
    given = set(_slots_of(entry.trace.returned))
    made = loads_of(entry.trace.returned)
    found = [
        event
        for event in entry.trace.of("publish")
        if event.weight == 1
        and (
            event.slots & looked
            or {check.slot for check in event.checks}
            or (event.held and event.loads & made)
            or (entry.asked and (event.slots & given or event.loads & made))
        )
    ]
    # An object of the module may hold what was made; where that is seen, it is the load
    return [event for event in found if event.loads] or found


def judge(entry: Entry) -> Iterator[Finding]:
    """Yield what is wrong, or cannot be told, with one function that loads."""
    loads = loads_in(entry)
    if not loads:
        yield from _nothing(entry)
        return
    holders = [event for event in loads if event.kind == "publish" and event.weight == 3]
    loads = list({_alike(load): load for load in reversed(loads)}.values())[-_MOST_LOADS:]
    found = [each for load in loads if load not in holders for each in LoadRules(entry, load).judged()]
    yield from found or _of_holders(entry, holders)


def _alike(load: Event) -> tuple[object, ...]:
    """What two ways to one load have in common when nothing tells them apart."""
    return load.kind, load.line, load.slots, load.held, load.checks


def _of_holders(entry: Entry, made: Iterable[Event]) -> Iterator[Finding]:
    """An object that holds the lock, or the model, must itself be made once."""
    for event in made:
        if event.slots and next(iter(event.slots)).reach == "shared":
            yield from LoadRules(entry, event).judged()


def _nothing(entry: Entry) -> Iterator[Finding]:
    trace = entry.trace
    if trace.guarded and not trace.cut:
        return
    if given_at_import(entry):
        return
    if entry.asked or trace.cut:
        yield Finding(
            "unknown",
            entry.line,
            False,
            f"Nothing in {entry.name} is known to load a model, nor is anything kept there that it makes. "
            "If the load is in another file, audit that one.",
        )


def _parts(value: Value) -> Iterator[Value]:
    if isinstance(value, Items):
        for part in value.parts:
            yield from _parts(part)
    else:
        yield value


def given_at_import(entry: Entry) -> bool:
    """Whether the import has made what a call gives away."""
    return any(_made_at_import(value) for value in _parts(entry.trace.returned))


def _made_at_import(value: Value) -> bool:
    """Whether the import made a value. An object that a call made and kept has its place for a key."""
    return (isinstance(value, Stored) and value.eager) or (
        isinstance(value, Instance) and value.reach == "shared" and "#" in value.key
    )


def _slots_of(value: Value) -> Iterator[Slot]:
    for part in _parts(value):
        if isinstance(part, Stored):
            yield part.slot
