"""The error tree, and what is recognised in the errors of others."""

from __future__ import annotations

import pytest

from loader import errors
from loader.errors import LoaderError, LoadTimeout, MetaTensorError, recognise


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "recognise"])
def test_every_error_is_a_loader_error(name: str) -> None:
    assert issubclass(getattr(errors, name), LoaderError)


def test_a_timeout_is_also_a_timeout_error() -> None:
    assert issubclass(LoadTimeout, TimeoutError)


def test_a_timeout_names_model_thread_and_seconds() -> None:
    assert str(LoadTimeout("m", "load-3", 4.26)) == (
        "m was not ready in time: thread load-3 has been loading it for 4.3 s and goes on. "
        "Call again, or allow more time."
    )


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
