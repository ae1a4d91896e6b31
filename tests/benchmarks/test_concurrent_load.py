"""The benchmark of eight threads at once: beside one load, and beside eight where there is room."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import concurrent_load
from benchmarks.concurrent_load import too_little_memory
from benchmarks.large_checkpoint import SHAPES


@pytest.mark.model
def test_eight_guarded_threads_are_compared_with_one_and_eight_unguarded_with_them(
    tiny_checkpoint: Path,
) -> None:
    report = concurrent_load.run(SHAPES["tiny"], rounds=1, memory_rounds=1)
    compared = {row.what: (row.peer, row.target) for row in report.rows}
    assert compared == {
        "1 thread, OnceLoader: wall time": (None, None),
        "8 threads, OnceLoader: wall time": ("1 thread, OnceLoader: wall time", 1.15),
        "8 threads, unguarded: wall time": ("8 threads, OnceLoader: wall time", None),
        "1 thread, OnceLoader: peak PSS": (None, None),
        "8 threads, OnceLoader: peak PSS": ("1 thread, OnceLoader: peak PSS", 1.05),
        "8 threads, unguarded: peak PSS": ("8 threads, OnceLoader: peak PSS", None),
    }
    guarded = next(row for row in report.rows if row.what == "8 threads, OnceLoader: wall time")
    assert guarded.note == "Distinct models each time: 1."


@pytest.mark.model
def test_the_unguarded_row_is_skipped_and_says_so_without_the_memory(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrent_load, "available_memory", lambda: 1_000_000)
    report = concurrent_load.run(SHAPES["tiny"], rounds=1, memory_rounds=1)
    unguarded = [row for row in report.rows if "unguarded" in row.what]
    assert [row.value for row in unguarded] == [None]
    assert unguarded[0].note.startswith("Skipped: it may take")


def test_a_trial_needs_half_as_much_again_as_it_is_expected_to_take() -> None:
    assert too_little_memory(10_000_000_000, 15_000_000_000) is None
    assert too_little_memory(10_000_000_000, 14_900_000_000) == (
        "Skipped: it may take 10.0 GB, and of the 15.0 GB that it should have there are 14.9."
    )


def test_where_memory_is_not_told_the_trial_is_run() -> None:
    assert too_little_memory(10_000_000_000, None) is None
