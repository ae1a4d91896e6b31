"""Whether a model is whole: real torch modules, real accelerate hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loader.errors import MetaTensorError, WrongDtype
from loader.verification import holds_cuda, is_offloaded, verify_dtype, verify_value

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")


def network(device: str = "cpu") -> Any:
    return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)).to(device)


def offloaded(**options: Any) -> Any:
    import accelerate

    return accelerate.cpu_offload(network(), execution_device=torch.device("cpu"), **options)


def test_a_whole_model_passes() -> None:
    verify_value(network(), "m")


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: ("p", m), lambda m: [m], lambda m: {"m": m}])
def test_a_model_without_data_is_found_wherever_it_is(wrap: Any) -> None:
    with pytest.raises(
        MetaTensorError, match=r"m was loaded without data in 7 of its tensors \(0.weight, 0.bias"
    ):
        verify_value(wrap(network("meta")), "m")


def test_a_buffer_without_data_is_found() -> None:
    model = network()
    model[1].running_mean = model[1].running_mean.to("meta")
    with pytest.raises(MetaTensorError, match=r"1\.running_mean"):
        verify_value(model, "m")


def test_what_accelerate_offloads_to_memory_passes() -> None:
    model = offloaded()
    assert model[0].weight.is_meta
    verify_value(model, "m")


def test_what_accelerate_offloads_to_disk_passes(tmp_path: Path) -> None:
    import accelerate

    model = accelerate.disk_offload(network(), str(tmp_path), execution_device=torch.device("cpu"))
    assert model[0].weight.is_meta
    verify_value(model, "m")


def test_an_offloaded_model_is_not_read_from_disk_to_be_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import accelerate
    from accelerate.utils.offload import OffloadedWeightsLoader

    def read(*_: object) -> None:
        raise AssertionError("a weight was read")

    model = accelerate.disk_offload(network(), str(tmp_path), execution_device=torch.device("cpu"))
    monkeypatch.setattr(OffloadedWeightsLoader, "__getitem__", read)
    verify_value(model, "m")


def test_a_hook_that_holds_the_tensors_of_the_modules_below_it_counts() -> None:
    model = offloaded(preload_module_classes=["Sequential"])
    verify_value(model, "m")


def test_an_offloading_hook_inside_a_sequence_of_hooks_counts() -> None:
    from accelerate.hooks import ModelHook, add_hook_to_module

    model = offloaded()
    add_hook_to_module(model[0], ModelHook(), append=True)
    verify_value(model, "m")


def test_a_hook_that_lacks_the_tensor_does_not_count() -> None:
    model = offloaded()
    model[0]._hf_hook.weights_map = {}
    with pytest.raises(MetaTensorError, match=r"0\.weight"):
        verify_value(model, "m")


def test_values_without_a_module_pass() -> None:
    verify_value({"a": 1, "b": None}, "m")


class Plain(torch.nn.Linear):  # type: ignore[misc]  # torch is imported as Any
    _keep_in_fp32_modules = None
    _keep_in_fp32_modules_strict = None


def test_another_dtype_than_asked_for_is_refused() -> None:
    with pytest.raises(WrongDtype, match="asked for in float16, but weight is float32"):
        verify_dtype(Plain(2, 2), "float16", "m")


def test_the_dtype_asked_for_passes() -> None:
    verify_dtype(Plain(2, 2), "float32", "m")


def test_any_dtype_will_do_for_auto() -> None:
    verify_dtype(Plain(2, 2).half(), "auto", "m")


def test_the_dtype_of_a_quantised_model_is_its_own_affair() -> None:
    model = Plain(2, 2)
    model.is_quantized = True
    verify_dtype(model, "float16", "m")


def test_modules_that_are_kept_in_float32_may_be() -> None:
    model = Plain(2, 2).half()
    model.weight.data = model.weight.data.float()
    model._keep_in_fp32_modules = ["weight"]
    verify_dtype(model, "float16", "m")


def test_offloading_is_seen() -> None:
    assert is_offloaded(offloaded())
    assert not is_offloaded(network())


def test_a_model_in_memory_holds_no_cuda() -> None:
    assert not holds_cuda(("processor", network()))
