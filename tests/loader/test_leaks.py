"""Loading again and again leaves nothing behind: memory, threads, open files and objects stay level."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loader.fresh import ROOT, last_line

LIMIT_S = 600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(LIMIT_S),
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells what is held"),
]

STEP_MB = 2.0
"""What the allocator may take once: an arena or two (0.5 MB was seen, and then none in 40,000 cycles). A kept
stub model is 4 KB, so that one cycle in twenty that keeps its own is found in 10,000."""

HALF_A_MODEL_MB = 13.0
"""Not even one of the demo checkpoint's models (26 MB) may stay; 3 MB were seen after 200 cycles."""


def cycles(what: str, count: int, env: dict[str, str] | None = None) -> dict[str, float]:
    """Let a process of its own load and unload, and return by how much what it holds has grown."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.loader.load_cycles", what, str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, **(env or {})},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(last_line(done))
    return {name: told["after"][name] - told["before"][name] for name in told["after"]}


def check_level(grown: dict[str, float], memory: float) -> None:
    assert grown["threads"] <= 0, f"{grown['threads']} threads are left"
    assert grown["files"] <= 0, f"{grown['files']} files are open"
    assert grown["objects"] < 20, f"{grown['objects']} objects are left"
    assert grown["megabytes"] < memory, f"memory grew by {grown['megabytes']:.1f} MB"


def test_ten_thousand_loads_and_unloads_leave_nothing() -> None:
    check_level(cycles("stub", 10_000), STEP_MB)


def test_a_thousand_failing_loads_leave_nothing() -> None:
    check_level(cycles("failing", 1_000), STEP_MB)


def test_a_thousand_callers_that_give_up_leave_nothing() -> None:
    check_level(cycles("giving_up", 1_000), STEP_MB)


@pytest.mark.model
def test_a_hundred_loads_and_unloads_of_a_llava_leave_nothing(demo_checkpoint: Path) -> None:
    check_level(cycles("llava", 100, {"LOADONCE_MODEL": str(demo_checkpoint)}), HALF_A_MODEL_MB)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("keep_models", "memory grew by"),
        ("keep_threads", "200 threads are left"),
        ("keep_files", "200 files are open"),
        ("keep_objects", "objects are left"),
    ],
)
def test_a_load_that_leaks_is_caught(what: str, words: str) -> None:
    grown = cycles(what, 1_000 if what == "keep_models" else 200)
    with pytest.raises(AssertionError, match=words):
        check_level(grown, STEP_MB)
