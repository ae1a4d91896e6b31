"""The benchmark of a launch tells where the time of a run goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import launch_to_verdict


@pytest.mark.model
@pytest.mark.slow
def test_a_launch_is_told_with_its_parts_and_its_repeats(demo_checkpoint: Path) -> None:
    report = launch_to_verdict.run(guide=False, repeats=2, singles=1)
    told = {row.what for row in report.rows}
    assert "launch to verdict" in told
    assert "  trial: fresh worker alive" in told
    assert "2 repeats in fresh processes, one control: green" in told
