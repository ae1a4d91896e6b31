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
    met = {boot: _by_model(boot, accounts, evidence) for boot, accounts in ours.items()}
    numbers = [(boot, min(by_model)) for boot, by_model in met.items()]
    total = sum(sum(by_model) for by_model in met.values())
    if strangers:
        seen = [(account.source, _met(account, evidence)) for account in strangers]
        # Nothing tells which stranger answered which variant, so each variant counts once in all.
        total += max(number for _, number in seen)
        numbers += seen
    return Contention(tuple(numbers), total)


def _by_model(boot: str, accounts: list[Account], evidence: Evidence) -> list[int]:
    """Return the contention of each model that counts, in its most contended generation."""
    by_model: dict[str | None, int] = {}
    for account in accounts:
        by_model[account.model] = max(by_model.get(account.model, 0), _waited(account, evidence))
    # A model may load another one on its way (its vision tower): that one has a single requester by design.
    # So only models that variants were given must have been contended; without answers, any one.
    given = {each.model_id for each in evidence.variants or () if each.boot == boot} & set(by_model)
    return [by_model[model] for model in given] or [max(by_model.values())]


def _waited(account: Account, evidence: Evidence) -> int:
    ends = [each.ended.seq or 0 for each in account.attempts if each.completed and each.ended is not None]
    if not ends:
        return 0
    asked = [event for event in account.requested if (event.seq or 0) < min(ends)]
    ids = {variant.variant_id for variant in evidence.variants or ()}
    named = {event.thread for event in asked if event.thread in ids}
    # Requests that name no variant may be anybody's: no more of them count than variants were in flight.
    return len(named) if named else min(len(asked), _met(account, evidence))


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
