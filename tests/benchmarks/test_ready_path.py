"""The benchmark of the ready path measures every way at one and at eight threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import ready_path

WAYS = {
    "a bare global",
    "get_llava_model()",
    "OnceLoader.get()",
    "functools.cache",
    "a lock on every call",
    "cachetools with a lock",
    "st.cache_resource",
}


@pytest.mark.model
def test_every_way_is_measured_beside_a_bare_global_in_the_same_crowd(demo_checkpoint: Path) -> None:
    report = ready_path.run(rounds=2, burst_s=0.001)
    for crowd in ("1 thread", "8 threads"):
        rows = {row.what: row for row in report.rows if row.what.endswith(f", {crowd}")}
        assert set(rows) == {f"{way}, {crowd}" for way in WAYS}
        bare = rows.pop(f"a bare global, {crowd}")
        assert bare.peer is None
        assert {row.peer for row in rows.values()} == {bare.what}
        assert all(row.ratio is not None and row.ratio.median > 0 for row in rows.values())
    assert [row.what for row in report.rows if row.target is not None] == [
        "get_llava_model(), 1 thread",
        "OnceLoader.get(), 1 thread",
        "get_llava_model(), 8 threads",
        "OnceLoader.get(), 8 threads",
    ]
