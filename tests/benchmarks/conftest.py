"""What the benchmarks' tests share: the tiny checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.large_checkpoint import SHAPES, ensure_large


@pytest.fixture(scope="session")
def tiny_checkpoint(demo_home: Path) -> Path:
    """A LLaVA made as the large ones are, of some hundred kilobytes."""
    return ensure_large(SHAPES["tiny"])
