"""What is recognised in the errors of any load, and how it is put into words."""

from __future__ import annotations

import pytest

from loader.errors import LoadFailed, MetaTensorError
from loader.recognition import meta_tensor_error, named, recognise
from loader.versions import versions


@pytest.mark.parametrize(
    "words",
    [
        "Cannot copy out of meta tensor; no data!",
        "weight is on the meta device, we need a `value` to put in on cpu",
        "Tensor on device meta is not on the expected device cpu",
    ],
)
def test_words_about_missing_data_are_recognised(words: str) -> None:
    assert isinstance(recognise(RuntimeError(words), "m"), MetaTensorError)


def test_the_original_stays_the_cause() -> None:
    original = RuntimeError("Cannot copy out of meta tensor; no data!")
    assert recognise(original, "m").__cause__ is original


def test_an_unknown_error_stays_itself() -> None:
    original = OSError("disk")
    assert recognise(original, "m") is original


def test_what_would_end_a_waiting_thread_becomes_a_failed_load() -> None:
    assert type(recognise(SystemExit(1), "m")) is LoadFailed


def test_tensors_without_data_are_named_and_counted() -> None:
    said = str(meta_tensor_error("m", ["a.weight", "b.weight", "c.weight", "d.weight", "e.weight"]))
    assert said.startswith(
        "m was loaded without data in 5 of its tensors (a.weight, b.weight, c.weight and 2 more"
    )


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_the_versions_are_named(library: str) -> None:
    assert f"{library} {versions()[library]}" in str(meta_tensor_error("m", ["w"]))


def test_the_device_map_is_named() -> None:
    assert "device map {'lm_head': 'disk'}" in str(
        meta_tensor_error("m", ["w"], device_map={"lm_head": "disk"})
    )


@pytest.mark.parametrize(
    "cure",
    [
        "restart the process",
        "go through one gate",
        "loader.guard_transformers()",
        "give every module a place in the device map",
        "LOADONCE_DEVICE_MAP=cpu",
        "install the PyTorch version",
        "to_empty() only makes room: without weights read into it afterwards the model is untrained",
    ],
)
def test_the_guides_cures_are_named(cure: str) -> None:
    assert cure in str(recognise(RuntimeError("Cannot copy out of meta tensor; no data!"), "m"))


def test_few_names_are_all_shown() -> None:
    assert named(["a", "b", "c"]) == "a, b, c"
