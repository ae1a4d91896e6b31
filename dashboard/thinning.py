"""Which trials of a long run are kept whole, and what is left of the others: their verdicts and their loads.

A thousand trials of a thousand variants are millions of rows, of which nobody reads more than a few: the
first trial of each colour, and what there is room for besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from dashboard.record import TrialRecord

__all__ = ["in_short", "is_kept_whole"]

_ROOM: Final = 60_000
"""Variants, events and samples of a run's trials that are kept: some 30 MB as JSON."""
_LOADS: Final = frozenset({"started", "completed", "failed", "meta_tensor_error", "released"})
_NOTE: Final = (
    "Kept in short: its verdict, figures and loads are here, its variants and its log are not. The first "
    "trial of each colour is kept whole."
)


def is_kept_whole(trial: TrialRecord, before: Sequence[TrialRecord]) -> bool:
    """Tell whether a judged trial is kept whole, given those before it.

    The first one that failed is, however many came before it, and so is the first of every other colour.
    """
    colour = None if trial.verdict is None else trial.verdict.verdict
    alike = (
        each
        for each in before
        if each.role == trial.role and each.verdict is not None and each.verdict.verdict == colour
    )
    if next(alike, None) is None:
        return True
    return sum(map(_rows, before)) + _rows(trial) <= _ROOM


def in_short(trial: TrialRecord) -> TrialRecord:
    """Return what is left of a trial that is not kept whole."""
    memory = trial.memory
    if memory is not None and len(memory.samples) > 2:
        memory = replace(memory, samples=(memory.samples[0], memory.samples[-1]))
    return replace(
        trial,
        variants=(),
        events=tuple(event for event in trial.events if event.kind in _LOADS),
        usage=(),
        memory=memory,
        notes=(*trial.notes, _NOTE),
        in_short=True,
    )


def _rows(trial: TrialRecord) -> int:
    samples = 0 if trial.memory is None else len(trial.memory.samples)
    return len(trial.variants) + len(trial.events) + len(trial.usage) + samples
