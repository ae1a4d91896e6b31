"""Checkpoints from a hub: the real huggingface_hub against a hub on the loopback device."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.loader.fresh import run_python
from tests.loader.loopback_hub import COMMIT, GATED, NO_REVISION, NOT_FOUND, LoopbackHub

pytestmark = pytest.mark.model

FETCH = """
    import os, sys
    from loader.load_faults import naming_faults
    from loader.hub import fetch_checkpoint
    from loader.settings import Settings
    asked = Settings.from_environment()
    try:
        with naming_faults(asked.model):
            print(fetch_checkpoint(asked.model, asked.revision, local_files_only=asked.local_files_only))
    except Exception as error:
        print(type(error).__name__, error, "because of", type(error.__cause__).__name__)
    assert "torch" not in sys.modules
"""

Fetch = Callable[..., str]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fetch(hub: LoopbackHub, cache: Path, code: str = FETCH, **env: str) -> str:
    return run_python(code, hub.env(cache) | env).stdout.strip()


def test_a_model_is_downloaded_and_is_whole(demo_checkpoint: Path, cache: Path) -> None:
    with LoopbackHub(demo_checkpoint).open() as hub:
        folder = Path(fetch(hub, cache))
    assert folder.name == COMMIT
    assert {file.name for file in folder.glob("*.safetensors")} == {
        file.name for file in demo_checkpoint.glob("*.safetensors")
    }


def test_what_is_there_is_not_downloaded_again(demo_checkpoint: Path, cache: Path) -> None:
    with LoopbackHub(demo_checkpoint).open() as hub:
        fetch(hub, cache)
        hub.requests.clear()
        fetch(hub, cache)
        assert not [request for request in hub.requests if "/resolve/" in request]


@pytest.mark.parametrize("switch", ["LOADONCE_LOCAL_FILES_ONLY", "HF_HUB_OFFLINE"])
def test_local_files_only_asks_nobody(demo_checkpoint: Path, cache: Path, switch: str) -> None:
    with LoopbackHub(demo_checkpoint).open() as hub:
        fetch(hub, cache)
        hub.requests.clear()
        assert fetch(hub, cache, **{switch: "1"}).endswith(COMMIT)
        assert hub.requests == []


@pytest.mark.parametrize("switch", ["LOADONCE_LOCAL_FILES_ONLY", "HF_HUB_OFFLINE"])
def test_local_files_only_without_local_files_names_both_ways_out(
    demo_checkpoint: Path, cache: Path, switch: str
) -> None:
    with LoopbackHub(demo_checkpoint).open() as hub:
        said = fetch(hub, cache, **{switch: "1"})
        assert said.startswith("HubUnreachable lab/small-llava is not on this machine")
        assert "Download it once with that unset, or name a folder." in said
        assert hub.requests == []


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ((404, NOT_FOUND), "ModelNotFound The hub knows no model lab/small-llava"),
        ((401, NOT_FOUND), "ModelNotFound The hub knows no model lab/small-llava"),
        ((403, GATED), "GatedModel The hub gives lab/small-llava only to those whom its owner let in"),
        ((404, NO_REVISION), "RevisionNotFound The hub knows lab/small-llava, but no revision v9"),
        ((401, {}), "HubError The hub refused lab/small-llava at revision v9 (Client error '401"),
        ((500, {}), "HubUnreachable lab/small-llava at revision v9 is not on this machine, and the hub"),
    ],
)
def test_each_refusal_of_the_hub_has_its_error(
    demo_checkpoint: Path, cache: Path, refusal: tuple[int, Mapping[str, str]], expected: str
) -> None:
    with LoopbackHub(demo_checkpoint, refusal).open() as hub:
        said = fetch(hub, cache, LOADONCE_REVISION="v9")
    assert said.startswith(expected)
    assert "because of NoneType" not in said


def closed(hub: LoopbackHub) -> LoopbackHub:
    with hub.open():
        pass
    return hub


def test_without_a_network_the_error_says_so(demo_checkpoint: Path, cache: Path) -> None:
    said = fetch(closed(LoopbackHub(demo_checkpoint)), cache)
    assert said.startswith("HubUnreachable lab/small-llava is not on this machine")
    assert "Connection refused" in said
    assert "Check the network, HF_ENDPOINT and the proxy" in said


def test_without_a_network_what_is_there_will_do(demo_checkpoint: Path, cache: Path) -> None:
    with LoopbackHub(demo_checkpoint).open() as hub:
        fetch(hub, cache)
    assert fetch(hub, cache).endswith(COMMIT)


def test_a_disk_that_is_full_during_a_download_is_named(demo_checkpoint: Path, cache: Path) -> None:
    # A limit for the length of any file stands for the disk: both end in the same write
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000,) * 2)\n"
    with LoopbackHub(demo_checkpoint).open() as hub:
        said = fetch(hub, cache, limited + FETCH.replace("\n    ", "\n"))
    assert said.startswith("OutOfDisk There is no room on the disk for lab/small-llava")
    assert "point HF_HOME" in said


def test_a_model_of_another_kind_is_refused_before_its_weights_come(
    demo_checkpoint: Path, cache: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(demo_checkpoint, other)
    (other / "config.json").write_text('{"model_type": "llama"}')
    with LoopbackHub(other).open() as hub:
        assert fetch(hub, cache).startswith("WrongArchitecture")
        assert not [request for request in hub.requests if request.endswith(".safetensors")]


def test_a_shard_that_the_hub_lacks_is_named(demo_checkpoint: Path, cache: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    shutil.copytree(demo_checkpoint, part)
    next(part.glob("model-00004*")).unlink()
    with LoopbackHub(part).open() as hub:
        assert "model-00004-of-00010.safetensors, is missing" in fetch(hub, cache)


def test_a_damaged_file_in_the_cache_is_named_with_the_folder_to_delete(
    demo_checkpoint: Path, cache: Path
) -> None:
    with LoopbackHub(demo_checkpoint).open() as hub:
        shard = next(Path(fetch(hub, cache)).glob("model-00004*")).resolve()
        shard.write_bytes(shard.read_bytes()[:100])
        said = fetch(hub, cache)
    assert said.startswith("CorruptCheckpoint")
    assert f"Delete {cache / 'models--lab--small-llava'} before that" in said


def test_a_model_from_the_hub_is_loaded_without_asking_once_it_is_there(
    demo_checkpoint: Path, cache: Path
) -> None:
    load = "from loader import get_llava_model; print(type(get_llava_model()[1]).__name__)"
    with LoopbackHub(demo_checkpoint).open() as hub:
        fetch(hub, cache)
        hub.requests.clear()
        loaded = fetch(hub, cache, load, LOADONCE_LOCAL_FILES_ONLY="1")
        assert loaded.endswith("LlavaForConditionalGeneration")
        assert hub.requests == []
