"""How the growth of a memory is read off its samples."""

from __future__ import annotations

import pytest

from benchmarks.follow_memory import Sample, growth


def test_growth_is_told_in_megabytes_for_each_million_lines() -> None:
    samples = [Sample(lines, 100 + lines * 3e-6) for lines in range(0, 5_000_000, 70_000)]
    assert growth(samples) == pytest.approx(3)


def test_a_level_memory_with_a_wobble_does_not_grow() -> None:
    samples = [Sample(lines, 100 + lines // 1000 % 2) for lines in range(0, 1_000_000, 1000)]
    assert growth(samples) == pytest.approx(0, abs=0.01)


def test_one_sample_tells_of_no_growth() -> None:
    assert growth([Sample(7, 100.0)]) == 0
