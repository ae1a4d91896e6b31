"""Containers on the private engine that `private_engine.py` has started round these tests."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from tests.engine.private_engine import PYTHON_IMAGE, VARIABLE, PrivateEngine, until

FOLDER = os.environ.get(VARIABLE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if FOLDER is None:
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="needs a private Docker engine: make test-engine"))


class Containers:
    """Makes containers of one test, and removes them when it ends."""

    def __init__(self, private: PrivateEngine, engine: Engine) -> None:
        self.private, self.engine = private, engine
        self._made: list[str] = []

    def run(self, *command: str, options: tuple[str, ...] = (), name: str | None = None) -> ContainerFacts:
        name = name or f"test-{uuid.uuid4().hex[:8]}"
        self._made.append(name)
        done = self.private.client("run", "-d", "--name", name, *options, PYTHON_IMAGE, *command)
        assert done.returncode == 0, done.stderr
        return self.engine.container(name)

    def python(self, script: str, *options: str, name: str | None = None) -> ContainerFacts:
        """Run a script whose output is not buffered."""
        return self.run("python3", "-u", "-c", script, options=options, name=name)

    def clean(self) -> None:
        if self._made:
            self.private.client("rm", "-f", "-v", *self._made)


@pytest.fixture(scope="session")
def private() -> PrivateEngine:
    assert FOLDER is not None
    return PrivateEngine(Path(FOLDER))


@pytest.fixture(scope="session")
def engine(private: PrivateEngine) -> Iterator[Engine]:
    opened = Engine.open(private.environment())
    yield opened
    opened.close()


@pytest.fixture
def containers(private: PrivateEngine, engine: Engine) -> Iterator[Containers]:
    made = Containers(private, engine)
    yield made
    made.clean()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], float], None]:
    return until
