"""What every test may have: a data folder of the session's own, with the demo checkpoint in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it starts in the background ignore Ctrl-C; the programs under test would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh `LOADONCE_HOME` for the session: no test reads or writes what is the user's."""
    home = tmp_path_factory.mktemp("home")
    before = os.environ.get("LOADONCE_HOME")
    os.environ["LOADONCE_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["LOADONCE_HOME"]
    else:
        os.environ["LOADONCE_HOME"] = before


@pytest.fixture(scope="session")
def demo_home(data_folder: Path) -> Path:
    """The data folder with the demo checkpoint made, as `make run` makes it."""
    subprocess.run([sys.executable, "-m", "loader.checkpoint"], cwd=ROOT, check=True, capture_output=True)
    return data_folder


@pytest.fixture(scope="session")
def demo_checkpoint(demo_home: Path) -> Path:
    """The folder of the demo checkpoint: a small random-weight LLaVA with tied weights."""
    return demo_home / "checkpoints" / "demo"
