"""Which two runs the *Compare* page shows, by its address, and their comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard import session
from dashboard.comparison import Comparison, NotComparable, compare
from dashboard.store import RunSummary, StoreError

__all__ = ["chosen_pair", "compared", "pick", "picker_key"]

_SIDES: Final = ("before", "after")


def chosen_pair(runs: Sequence[RunSummary]) -> tuple[str, str]:
    """Return the ids that the address names; else the newest run and the one before it that is most like it.

    `runs` are at least two, newest first.
    """
    newest = runs[0]
    alike = (run for run in runs[1:] if _kind(run) == _kind(newest))
    older = next(alike, runs[1])
    return st.query_params.get("before") or older.run_id, st.query_params.get("after") or newest.run_id


def _kind(run: RunSummary) -> tuple[object, ...]:
    return run.target, run.guard, run.jobs, run.variants_per_job


def picker_key(side: str, run_id: str) -> str:
    """Return the key of one side's picker, which shows `run_id`; only before the picker is drawn."""
    key = f"compare-{side}"
    st.session_state[key] = run_id
    return key


def pick() -> None:
    """Follow the pickers: both runs go into the address, so that a colleague sees the same two."""
    st.query_params.from_dict({side: st.session_state[f"compare-{side}"] for side in _SIDES})


def compared(before: str, after: str) -> Comparison | str:
    """Return the comparison of two runs, or the sentence that says why there is none."""
    console = session.console()
    found = []
    for run_id in (before, after):
        try:
            record = console.runner.record(run_id) or console.store.load(run_id)
        except StoreError as error:
            return str(error)
        if record is None:
            return f"Run {run_id} is not in this console’s history. Choose another one."
        found.append(record)
    try:
        return compare(*found)
    except NotComparable as error:
        return str(error)
