"""The benchmark of the history measures its page, a large run, and logs beside how they were kept before."""

from __future__ import annotations

from benchmarks import history


def test_the_page_and_a_large_run_are_held_to_their_targets_and_logs_to_their_peer() -> None:
    report = history.run(rounds=1, runs=5, events=50, lines=500)
    targets = [(row.what, row.target) for row in report.rows if row.target is not None]
    assert targets == [
        ("the page, with 5 runs", 150.0),
        ("open a run of 50 events", 2.0),
        ("… as Parquet", 1.0),
        ("… as Parquet", 0.5),
    ]
    assert all(row.value is not None and row.value > 0 for row in report.rows)
