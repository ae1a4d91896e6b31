"""The real thing for tests of the console: a preloaded process, a history, a runner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.large_checkpoint import SHAPES, ensure_large
from dashboard.runs import Runner
from dashboard.store import Store
from dashboard.targets.local import LocalTarget


@pytest.fixture(scope="session")
def local_target(demo_home: Path) -> Iterator[LocalTarget]:
    """The local target over the demo checkpoint; its preloaded process is shared by every test."""
    target = LocalTarget(demo_home)
    yield target
    target.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the test's history is."""
    return f"sqlite:///{tmp_path}/history.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty history."""
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def runner(local_target: LocalTarget, store: Store) -> Iterator[Runner]:
    """A runner with nothing under way, and a history of its own."""
    runner = Runner(local_target, store)
    yield runner
    active = runner.active()
    if active is not None:
        runner.abort(active.run_id, actor="test")
        runner.wait(active.run_id, 60)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own for this test's processes."""
    home = tmp_path / "home"
    monkeypatch.setenv("LOADONCE_HOME", str(home))
    for name in ("LOADONCE_DATABASE_URL", "LOADONCE_DEBUG", "LOADONCE_MODEL", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def weighty_checkpoint(demo_home: Path) -> Path:
    """A LLaVA of 360 MB, large enough for the memory witness to speak; made once, in some ten seconds."""
    return ensure_large(SHAPES["0.3gb"])
