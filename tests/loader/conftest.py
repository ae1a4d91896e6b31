"""What the loader's tests share: a journal that prints into a list, and real workers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loader.gate import Gate
from loader.journal import Journal
from loader.once import OnceLoader
from tests.loader.fresh import WarmProcess
from tests.loader.worker_processes import PreloadedProcess


@pytest.fixture
def printed() -> io.StringIO:
    """What the test's journal has printed."""
    return io.StringIO()


@pytest.fixture
def journal(printed: io.StringIO) -> Journal:
    """A journal of the test's own."""
    return Journal(stream=lambda: printed)


@pytest.fixture
def gate() -> Gate:
    """A gate of the test's own."""
    return Gate("test")


@pytest.fixture
def make_loader(journal: Journal, gate: Gate) -> Callable[..., OnceLoader[Any]]:
    """Makes loaders with the test's journal and gate."""

    def make(load: Callable[[], Any], name: str = "tiny", **options: Any) -> OnceLoader[Any]:
        return OnceLoader(load, name=name, **({"journal": journal, "gate": gate} | options))

    return make


@pytest.fixture(scope="session")
def run_warm() -> Iterator[WarmProcess]:
    """Runs code in a process of its own that has torch and transformers imported."""
    process = WarmProcess()
    yield process
    process.close()


@pytest.fixture(scope="session")
def preloaded(demo_checkpoint: Path) -> Iterator[PreloadedProcess]:
    """One preloaded process for all tests."""
    process = PreloadedProcess(demo_checkpoint)
    yield process
    process.close()
