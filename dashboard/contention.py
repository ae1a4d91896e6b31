"""Contention: how many variants were in flight when a worker's load completed. Fewer than two prove nothing.

A worker of ours tells it by its own numbering: a variant contends when its `requested` precedes `completed`.
For a stranger, whose log names no variant, it is one that was sent before the first completion was seen and
answered after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.evidence import Evidence
from dashboard.ledger import Account, Ledger

__all__ = ["Contention", "contention_of"]


@dataclass(frozen=True, slots=True)
class Contention:
    """`by_worker`: each worker's label and how many variants met its load; their `total`."""

    by_worker: tuple[tuple[str, int], ...]
    total: int

    @property
    def least(self) -> int:
        """The fewest of any worker: the weakest proof decides."""
        return min((number for _, number in self.by_worker), default=0)


def contention_of(evidence: Evidence, ledger: Ledger) -> Contention | None:
    """Count the contention of every worker that loaded; None where there are no variants to count."""
    if evidence.variants is None:
        return None
    ours: dict[str, list[Account]] = {}
    strangers: list[Account] = []
    for account in ledger.accounts:
        if not account.used:
            continue
        if account.boot is None:
            strangers.append(account)
        else:
            ours.setdefault(account.boot, []).append(account)
    numbers = [(boot, _of_worker(boot, accounts, evidence)) for boot, accounts in ours.items()]
    total = sum(number for _, number in numbers)
    if strangers:
        met = [(account.source, _met(account, evidence)) for account in strangers]
        # Nothing tells which stranger answered which variant, so each variant counts once in all.
        total += max(number for _, number in met)
        numbers += met
    return Contention(tuple(numbers), total)


def _of_worker(boot: str, accounts: list[Account], evidence: Evidence) -> int:
    wanted = {each.model_id for each in evidence.variants or () if each.boot == boot and each.model_id}
    # A model may load another one on its way (its vision tower): that one has a single requester by design.
    chosen = [account for account in accounts if account.model in wanted] or accounts
    return max(_waited(account, evidence) for account in chosen)


def _waited(account: Account, evidence: Evidence) -> int:
    ends = [each.ended.seq or 0 for each in account.attempts if each.completed and each.ended is not None]
    if not ends:
        return 0
    asked = [event for event in account.requested if (event.seq or 0) < min(ends)]
    ids = {variant.variant_id for variant in evidence.variants or ()}
    named = {event.thread for event in asked if event.thread in ids}
    return len(named) if named else len(asked)


def _met(account: Account, evidence: Evidence) -> int:
    times = [each.ended.time for each in account.attempts if each.completed and each.ended is not None]
    if not times:
        return 0
    first = min(times)
    return sum(
        variant.sent is not None
        and variant.sent < first
        and variant.state == "answered"
        and variant.answered is not None
        and variant.answered > first
        for variant in evidence.variants or ()
    )
