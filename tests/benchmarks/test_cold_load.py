"""The benchmark of a cold load compares the guarded load with the bare one and with reading the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import cold_load
from benchmarks.large_checkpoint import SHAPES


@pytest.mark.model
def test_the_guarded_load_is_compared_with_the_bare_one_and_with_reading(tiny_checkpoint: Path) -> None:
    report = cold_load.run(SHAPES["tiny"], rounds=1)
    compared = {row.what: row.peer for row in report.rows if row.peer is not None}
    assert compared == {
        "OnceLoader": "from_pretrained, bare",
        "OnceLoader, against its inside": "OnceLoader: inside from_pretrained",
        "OnceLoader, against reading": "reading the files",
        "OnceLoader: processor time": "from_pretrained, bare: processor time",
    }
    assert [row.target for row in report.rows if row.target is not None] == [1.02, 1.02]
