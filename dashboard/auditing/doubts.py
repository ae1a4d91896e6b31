"""What a reading of the source cannot tell of a guard: each doubt as a finding, with who can tell."""

from __future__ import annotations

from dashboard.auditing.findings import Finding
from dashboard.auditing.trace import Event
from dashboard.auditing.values import Held

__all__ = ["claimed", "doubted", "is_lock", "tried_only", "unlocked"]


def is_lock(held: Held) -> bool:
    """Whether a doubtful guard is a plain lock, and no decorator that guards somehow."""
    return held.lock.kind != "unknown" or held.lock.line == 0


def doubted(held: Held) -> Finding:
    """Return the doubt about a guard that another file, or another object, makes."""
    lock = held.lock
    if lock.reach == "unknown" and lock.kind != "unknown":
        why = "belongs to an object that is made elsewhere: it holds back only who shares that object"
    elif is_lock(held):
        why = "is made in another file, or elsewhere: whether all calls share it cannot be told from here"
    else:
        why = "is of another file: whether it holds others back during the load cannot be told from here"
    return Finding("unknown", held.line, False, f"{lock.name} {why}. Audit the file that makes it.")


def tried_only(held: Held) -> Finding:
    """Return the doubt about a lock that nobody waits for."""
    return Finding(
        "unknown",
        held.line,
        False,
        f"{held.lock.name} is only tried, not waited for: a call that comes during the load goes on "
        "without the model. Wait for the lock.",
    )


def claimed(claim: Event) -> Finding:
    """Return the doubt about a load that one call has taken upon itself under a lock."""
    return Finding(
        "unknown",
        claim.line,
        False,
        f"{claim.what} is set under a lock by the one call that goes on to load, without the lock. "
        "Whether the others wait until the model is there cannot be told from here.",
    )


def unlocked(what: str, line: int) -> Finding:
    """Return the doubt about a function of another file that is called, and may keep what it gives."""
    return Finding(
        "unknown",
        line,
        False,
        f"{what} is of another file: whether it loads at each call, or keeps the model behind a lock, "
        "cannot be told from here. Audit the file that has it.",
    )
