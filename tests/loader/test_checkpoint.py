"""The demo checkpoint: made once, whole, and checked without torch."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from loader.checkpoint_folder import check_checkpoint
from loader.errors import CheckpointError
from tests.loader.fresh import WarmProcess, run_module, run_python

pytestmark = pytest.mark.model


@pytest.fixture
def copy(demo_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the demo checkpoint that a test may break."""
    folder = tmp_path / "copy"
    shutil.copytree(demo_checkpoint, folder)
    return folder


def test_it_has_eight_shards_or_more_and_ties_its_weights(demo_checkpoint: Path) -> None:
    config = json.loads((demo_checkpoint / "config.json").read_text())
    assert len(list(demo_checkpoint.glob("*.safetensors"))) >= 8
    assert config["tie_word_embeddings"] is True
    assert config["text_config"]["tie_word_embeddings"] is True


def test_a_whole_one_passes(demo_checkpoint: Path) -> None:
    check_checkpoint(demo_checkpoint)


def test_a_second_maker_leaves_it_as_it_is(demo_checkpoint: Path) -> None:
    shard = next(demo_checkpoint.glob("*.safetensors"))
    before = shard.stat().st_mtime_ns
    assert run_module("-m", "loader.checkpoint", str(demo_checkpoint)).returncode == 0
    assert shard.stat().st_mtime_ns == before


def remove_a_shard(folder: Path) -> str:
    shard = folder / "model-00004-of-00010.safetensors"
    shard.unlink()
    return shard.name


def cut_a_shard(folder: Path) -> str:
    shard = folder / "model-00004-of-00010.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    return shard.name


def be_another_model(folder: Path) -> str:
    (folder / "config.json").write_text('{"model_type": "bert"}')
    return "bert"


def break_the_config(folder: Path) -> str:
    (folder / "config.json").write_text("{")
    return "config.json"


def be_empty(folder: Path) -> str:
    shutil.rmtree(folder)
    folder.mkdir()
    return str(folder)


def be_gone(folder: Path) -> str:
    shutil.rmtree(folder)
    return str(folder)


@pytest.mark.parametrize(
    "fault", [remove_a_shard, cut_a_shard, be_another_model, break_the_config, be_empty, be_gone]
)
def test_what_is_not_whole_is_named(copy: Path, fault: Callable[[Path], str]) -> None:
    named = fault(copy)
    with pytest.raises(CheckpointError) as caught:
        check_checkpoint(copy)
    assert named in str(caught.value)


def test_the_check_says_its_sentence_and_exits_with_2(copy: Path) -> None:
    named = remove_a_shard(copy)
    done = run_module("-m", "loader.checkpoint", "--check", str(copy))
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no users to change to")
def test_the_check_of_a_folder_that_may_not_be_read_says_so(run_warm: WarmProcess, copy: Path) -> None:
    (copy / "config.json").chmod(0)
    for folder in (copy, *copy.parents[:3]):
        folder.chmod(0o755)
    done = run_warm(
        f"""
        import os
        from loader.checkpoint import main
        if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)
        print(main(["--check", {str(copy)!r}]))
        """
    )
    assert done.stdout.strip() == "2"
    assert "cannot be read (Permission denied" in done.stderr


def test_the_check_imports_no_torch(demo_checkpoint: Path) -> None:
    code = f"""
        import sys
        from pathlib import Path
        from loader.checkpoint_folder import check_checkpoint
        check_checkpoint(Path({str(demo_checkpoint)!r}))
        assert not {{"torch", "transformers"}} & set(sys.modules)
    """
    run_python(code)


def test_a_folder_of_somebody_elses_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    assert run_module("-m", "loader.checkpoint", str(tmp_path)).returncode != 0
    assert (tmp_path / "diary.txt").read_text() == "mine"
