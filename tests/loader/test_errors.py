"""The error tree."""

from __future__ import annotations

import pytest

import loader
from loader import errors
from loader.errors import LoaderError, LoadTimeout


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_a_loader_error(name: str) -> None:
    assert issubclass(getattr(errors, name), LoaderError)


def test_a_timeout_is_also_a_timeout_error() -> None:
    assert issubclass(LoadTimeout, TimeoutError)


def test_a_timeout_names_model_thread_and_seconds() -> None:
    assert str(LoadTimeout("m", "load-3", 4.26)) == (
        "m was not ready in time: thread load-3 has been loading it for 4.3 s and goes on. "
        "Call again, or allow more time."
    )


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_public(name: str) -> None:
    assert getattr(loader, name) is getattr(errors, name)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_stands_in_the_drawn_tree(name: str) -> None:
    assert f" {name} " in (errors.__doc__ or "")


def test_too_little_memory_is_also_a_memory_error() -> None:
    assert issubclass(errors.OutOfMemory, MemoryError)
