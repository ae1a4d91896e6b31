"""The benchmark of the import runs in fresh interpreters."""

from __future__ import annotations

from benchmarks import import_time


def test_both_ways_to_import_the_loader_are_held_to_the_target() -> None:
    report = import_time.run(rounds=1)
    assert {row.what: row.target for row in report.rows} == {
        "import logging": None,
        "import loader": 50.0,
        "from loader import get_llava_model": 50.0,
    }
    assert all(row.value is not None and row.value > 0 for row in report.rows)
