"""The benchmarks' checkpoints are whole LLaVAs in eight shards, and refused where there is no room."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from benchmarks import large_checkpoint
from benchmarks.large_checkpoint import SHAPES, NoRoom, check_memory, ensure_large, shard_bytes
from loader.checkpoint_folder import check_checkpoint


@pytest.mark.model
def test_it_is_a_whole_llava_in_eight_shards(tiny_checkpoint: Path) -> None:
    check_checkpoint(tiny_checkpoint)
    assert len(list(tiny_checkpoint.glob("*.safetensors"))) == SHAPES["tiny"].shards == 8
    assert shard_bytes(tiny_checkpoint) < 2_000_000


@pytest.mark.model
def test_it_is_made_once(tiny_checkpoint: Path) -> None:
    before = (tiny_checkpoint / "config.json").stat().st_mtime_ns
    assert ensure_large(SHAPES["tiny"]) == tiny_checkpoint
    assert (tiny_checkpoint / "config.json").stat().st_mtime_ns == before


def test_a_full_disk_is_refused_with_both_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(2e10, 1.9e10, 1e9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(NoRoom, match=r"7b checkpoint takes 14\.2 GB .* 1\.0 GB are free"):
        ensure_large(SHAPES["7b"], tmp_path / "llava")


def test_too_little_memory_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_checkpoint, "available_memory", lambda: 2_000_000_000)
    with pytest.raises(
        NoRoom, match=r"7b checkpoint as auto takes 17\.0 GB of memory; 2\.0 GB are available"
    ):
        check_memory(SHAPES["7b"])


def test_a_cast_needs_room_for_both_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_checkpoint, "available_memory", lambda: 2_000_000_000)
    check_memory(SHAPES["1.3gb"])
    with pytest.raises(NoRoom, match="as float16"):
        check_memory(SHAPES["1.3gb"], "float16")
