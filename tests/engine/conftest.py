"""Containers on the private engine that `private_engine.py` has started round these tests."""

from __future__ import annotations

import os
import sysconfig
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.store import Store
from tests.engine.launcher import Launcher
from tests.engine.private_engine import PYTHON_IMAGE, VARIABLE, PrivateEngine, until

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = os.environ.get(VARIABLE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            # The SDK leaves the socket of a refused connection to the garbage collector: it comes in any test
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
            if FOLDER is None:
                item.add_marker(pytest.mark.skip(reason="needs a private Docker engine: make test-engine"))


class Containers:
    """Makes containers of one test, and removes them when it ends."""

    def __init__(self, private: PrivateEngine, engine: Engine) -> None:
        self.private, self.engine = private, engine
        self._made: list[str] = []

    def run(self, *command: str, options: tuple[str, ...] = (), name: str | None = None) -> ContainerFacts:
        return self._make("run", "-d", *options, PYTHON_IMAGE, *command, name=name)

    def _make(self, *arguments: str, name: str | None) -> ContainerFacts:
        name = name or f"test-{uuid.uuid4().hex[:8]}"
        self._made.append(name)
        verb, *others = arguments
        done = self.private.client(verb, "--name", name, *others)
        assert done.returncode == 0, done.stderr
        return self.engine.container(name)

    def python(self, script: str, *options: str, name: str | None = None) -> ContainerFacts:
        """Run a script whose output is not buffered."""
        # A first process without a handler ignores SIGTERM: each restart would wait for Docker's ten seconds
        options = ("--stop-signal", "KILL", *options)
        return self.run("python3", "-u", "-c", script, options=options, name=name)

    def worker(self, checkpoint: Path, *options: str, guard: str = "on") -> ContainerFacts:
        """Make our worker from this working tree, with the packages of the Python that runs the tests.

        It is not started: a run does that, and torch takes its seconds to be imported.
        """
        packages = sysconfig.get_path("purelib")
        return self._make(
            "create",
            *("-v", f"{ROOT}:/app:ro", "-v", f"{packages}:/packages:ro", "-v", f"{checkpoint}:/model:ro"),
            *("-w", "/app", "-e", "PYTHONPATH=/packages", "-e", "PYTHONUNBUFFERED=1"),
            *("-e", "LOADONCE_MODEL=/model", "-e", f"LOADONCE_GUARD={guard}"),
            *("--label", "loadonce.target=true", *options),
            PYTHON_IMAGE,
            *("python3", "-m", "loader.worker", "--host", "0.0.0.0", "--port", "8000"),
            name=None,
        )

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


@pytest.fixture
def launch(private: PrivateEngine, tmp_path: Path) -> Iterator[Launcher]:
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    launcher = Launcher(private, store)
    yield launcher
    launcher.close()
    store.close()
