"""The benchmark of the import runs in fresh interpreters."""

from __future__ import annotations

from benchmarks import import_time


def test_the_bare_import_is_held_to_the_target_and_the_function_is_measured_beside_it() -> None:
    report = import_time.run(rounds=1)
    assert {row.what: row.target for row in report.rows} == {
        "import logging": None,
        "import loader": 50.0,
        "from loader import get_llava_model": None,
    }
    assert all(row.value is not None and row.value > 0 for row in report.rows)
