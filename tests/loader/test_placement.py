"""Device maps: refused before a load, checked after it, and weights on disk that generate the same text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loader.errors import DeviceMapError, WrongDevice
from loader.placement import input_device, place_of, plan_placement, verify_placement
from tests.loader.fresh import WarmProcess, last_line

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

SAY = """
    import os
    from PIL import Image
    from loader import Settings
    from loader.llava import generate_text, load_llava
    from loader.verification import is_offloaded
    def say(folder, **settings):
        pair = load_llava(str(folder), Settings(**settings))
        said = generate_text(pair, "what is this ?", Image.new("RGB", (60, 60), "red"), 8)
        return said, is_offloaded(pair[1]), sorted({p.device.type for p in pair[1].parameters()})
"""
VISION_ON_DISK = {"": "cpu", "model.vision_tower": "disk"}
TEXT_ON_DISK = {
    "model.vision_tower": "cpu",
    "model.multi_modal_projector": "cpu",
    "model.language_model": "disk",
    "lm_head": "disk",
}
HEAD_ALONE_IN_MEMORY = {"": "disk", "lm_head": "cpu"}
HEAD_ALONE_ON_DISK = {"": "cpu", "lm_head": "disk"}


@pytest.mark.parametrize("places", [{"": "disk"}, VISION_ON_DISK, TEXT_ON_DISK])
@pytest.mark.parametrize("dtype", ["auto", "bfloat16"])
def test_weights_on_disk_generate_what_weights_in_memory_do(
    run_warm: WarmProcess, demo_checkpoint: Path, places: Mapping[str, str], dtype: str
) -> None:
    done = run_warm(
        SAY
        + f"""
    kept = say({str(demo_checkpoint)!r}, device_map="cpu", dtype={dtype!r})
    offloaded = say({str(demo_checkpoint)!r}, device_map={places!r}, dtype={dtype!r})
    print(kept[0] == offloaded[0] != "", kept[1:], offloaded[1], "meta" in offloaded[2])
    """
    )
    assert last_line(done) == "True (False, ['cpu']) True True"


def test_weights_that_are_not_tied_may_be_divided(
    run_warm: WarmProcess, demo_checkpoint: Path, tmp_path: Path
) -> None:
    done = run_warm(
        SAY
        + f"""
    import json, shutil, torch
    from pathlib import Path
    from safetensors.torch import save_file
    folder = Path({str(tmp_path / "untied")!r})
    shutil.copytree({str(demo_checkpoint)!r}, folder)
    config = json.loads((folder / "config.json").read_text())
    vocabulary, width = config["text_config"]["vocab_size"], config["text_config"]["hidden_size"]
    config["tie_word_embeddings"] = config["text_config"]["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config))
    save_file({{"lm_head.weight": torch.randn(vocabulary, width)}}, folder / "head.safetensors")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"]["lm_head.weight"] = "head.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    kept = say(folder, device_map="cpu")[0]
    for places in ({HEAD_ALONE_IN_MEMORY!r}, {HEAD_ALONE_ON_DISK!r}):
        print(say(folder, device_map=places)[0] == kept != "")
    """
    )
    assert done.stdout.splitlines()[-2:] == ["True", "True"]


@pytest.mark.parametrize("places", [HEAD_ALONE_IN_MEMORY, HEAD_ALONE_ON_DISK])
def test_tied_weights_that_the_disk_divides_are_refused_before_the_load(
    demo_checkpoint: Path, places: Mapping[str, str]
) -> None:
    with pytest.raises(DeviceMapError, match=r"lm_head\.weight on .* Put both on disk, or neither"):
        plan_placement(places, demo_checkpoint)


def test_accelerate_itself_still_cannot_divide_tied_weights(
    run_warm: WarmProcess, demo_checkpoint: Path
) -> None:
    # When this fails, a later accelerate can do it, and the refusal above has lost its reason
    done = run_warm(
        f"""
        from transformers import LlavaForConditionalGeneration
        try:
            LlavaForConditionalGeneration.from_pretrained(
                {str(demo_checkpoint)!r}, device_map={{"model": "disk", "lm_head": "cpu"}}
            )
        except ValueError as error:
            print(error)
        """
    )
    assert "is on the meta device" in last_line(done)


@pytest.mark.parametrize("device_map", ["auto", "cpu", {"": "cpu"}, {"": "disk"}, TEXT_ON_DISK])
def test_a_map_that_can_be_stays_as_it_is(demo_checkpoint: Path, device_map: Any) -> None:
    assert plan_placement(device_map, demo_checkpoint) == device_map


def test_a_name_below_another_is_taken_apart_because_accelerate_would_place_it_twice(
    demo_checkpoint: Path,
) -> None:
    assert plan_placement({"": "cpu", "model.vision_tower": "disk"}, demo_checkpoint) == {
        "model.vision_tower": "disk",
        "model.multi_modal_projector": "cpu",
        "model.language_model": "cpu",
        "lm_head": "cpu",
    }


@pytest.mark.parametrize("place", ["cuda:97", 97, "xpu:97", "mps:97"])
def test_a_device_that_is_not_there_is_refused_before_the_load(
    demo_checkpoint: Path, place: str | int
) -> None:
    with pytest.raises(DeviceMapError, match="97"):
        plan_placement({"": place}, demo_checkpoint)


def test_the_number_of_devices_is_named(demo_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    plan_placement("cuda:1", demo_checkpoint)
    with pytest.raises(DeviceMapError, match=r"the model on cuda:2, but PyTorch .* sees 2 cuda devices here"):
        plan_placement("cuda:2", demo_checkpoint)


def test_a_word_that_is_no_device_is_refused(demo_checkpoint: Path) -> None:
    with pytest.raises(DeviceMapError, match="lm_head on 'gpu', which is no device"):
        plan_placement({"": "cpu", "lm_head": "gpu"}, demo_checkpoint)


class Network:
    """What the check looks at of a model, with parameters on devices that this machine need not have."""

    def __init__(self, **devices: str) -> None:
        self.device = torch.device("cpu")
        self._parameters = {
            f"{name}.weight": SimpleNamespace(device=torch.device(device), is_meta=device == "meta")
            for name, device in devices.items()
        }

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        yield from self._parameters.items()

    def named_modules(self) -> Iterator[tuple[str, Any]]:
        yield "", self
        for key in self._parameters:
            yield key.removesuffix(".weight"), None

    def named_children(self) -> Iterator[tuple[str, Any]]:
        yield from list(self.named_modules())[1:]


@pytest.mark.parametrize(
    ("device_map", "devices"),
    [
        ("auto", {"a": "cuda:3"}),
        ("cpu", {"a": "cpu"}),
        ("cuda", {"a": "cuda:1"}),
        ("cuda:1", {"a": "cuda:1"}),
        ({"": "cuda:0", "b": "cuda:1"}, {"a": "cuda:0", "b": "cuda:1"}),
        ({"": "cuda:0", "b": "cpu"}, {"a": "cuda:0", "b": "meta"}),
        ({"": "cpu", "b": "disk"}, {"a": "cpu", "b": "meta"}),
    ],
)
def test_a_model_that_is_where_it_was_asked_for_passes(device_map: Any, devices: dict[str, str]) -> None:
    verify_placement(Network(**devices), device_map, "m")


@pytest.mark.parametrize(
    ("device_map", "devices", "words"),
    [
        ("cuda:0", {"a": "cpu"}, r"a\.weight on cuda:0, but it is on cpu"),
        ("cuda:0", {"a": "cuda:0", "b": "cuda:1"}, r"b\.weight on cuda:0, but it is on cuda:1"),
        ("cpu", {"a": "meta"}, r"a\.weight on cpu, but it is on meta"),
        ({"": "cpu", "b": "disk"}, {"a": "cpu", "b": "cpu"}, r"b\.weight on disk, but it is on cpu"),
        ({"": "cpu", "b": "disk"}, {"a": "meta", "b": "meta"}, r"a\.weight on cpu, but it is on meta"),
    ],
)
def test_a_model_that_is_elsewhere_is_refused(device_map: Any, devices: dict[str, str], words: str) -> None:
    with pytest.raises(WrongDevice, match=words):
        verify_placement(Network(**devices), device_map, "m")


def test_the_check_reads_a_real_module_on_a_gpu() -> None:
    from torch._subclasses import FakeTensorMode  # tensors that say they are on a GPU, where there is none

    module = torch.nn.Module()
    with FakeTensorMode():
        module.weight = torch.nn.Parameter(torch.empty(2, 2, device="cuda:0"))
    verify_placement(module, "cuda:0", "m")
    with pytest.raises(WrongDevice, match="weight on cuda:1, but it is on cuda:0"):
        verify_placement(module, "cuda:1", "m")


def test_a_map_that_names_a_stranger_is_refused() -> None:
    with pytest.raises(DeviceMapError, match=r"places 'vison', which m does not have\. Name .* a, vision"):
        verify_placement(Network(a="cpu", vision="cpu"), {"": "cpu", "vison": "cpu"}, "m")


def test_inputs_go_where_offloaded_weights_are_computed() -> None:
    network = Network(a="meta")
    network._hf_hook = SimpleNamespace(execution_device="cuda:0")  # type: ignore[attr-defined]
    assert input_device(network) == "cuda:0"


def test_inputs_go_to_the_device_of_a_model_without_hooks() -> None:
    assert input_device(Network(a="cpu")) == torch.device("cpu")


def test_the_longest_name_decides() -> None:
    places = {"": "cpu", "model": "cuda:0", "model.layers.1": "disk"}
    found = [place_of(key, places) for key in ("head.w", "model.layers.10.w", "model.layers.1.w")]
    assert json.dumps(found) == '["cpu", "cuda:0", "disk"]'
