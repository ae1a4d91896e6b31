"""What the first visitor of a console would wait for, done beside its start.

    lifespan --begin()--> a thread: the framework's files, libraries, what pages import, languages, plotly.js
             --close()--> it ends after the step that it is at

Whoever comes earlier waits for the rest of it, and no longer than without it: a module is imported once.
"""

from __future__ import annotations

import ast
import gc
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final

from dashboard.framework_files import HeldFiles
from dashboard.language import LANGUAGES, moment, number, speaking
from dashboard.live_assets import packed_bundle

__all__ = ["HeadStart", "collect_seldom", "steps"]

Step = Callable[[], object]
_HERE: Final = Path(__file__).parent
# Streamlit imports them at the first table, chart, icon or component of a process
_LIBRARIES: Final = (
    "pandas",
    "pyarrow.pandas_compat",
    "plotly.graph_objects",
    "streamlit.emojis",
    "streamlit.material_icon_names",
    "streamlit.components.v2.manifest_scanner",
)
_COLLECT_AFTER: Final = (20_000, 10, 10)
_LOG: Final = logging.getLogger(__name__)


class HeadStart:
    """A thread that takes steps in turn. Threading: `begin` and `close` for one thread, once each.

    Attributes:
        closing: set when no further step is to be taken.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.closing: Final = threading.Event()
        self._thread = threading.Thread(target=self._walk, name="head-start")

    def begin(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wait(self) -> None:
        """Block until all steps are taken, or it was closed."""
        self._thread.join()

    def close(self) -> None:
        """End after the step under way. Blocks for a fraction of a second."""
        self.closing.set()
        self.wait()

    def _walk(self) -> None:
        for step in self._steps:
            if self.closing.is_set():
                return
            try:
                step()
            except Exception:  # noqa: BLE001 - it fails again where it is needed, and is shown there
                _LOG.warning("Not ready beforehand: %s", step, exc_info=True)


def collect_seldom() -> None:
    """Have Python look for dead cycles after 20,000 new objects, in this process, not after each 700.

    A run that is opened makes hundreds of thousands that stay: looking through them again and again took as
    long as making them, and held up every other tab meanwhile.
    """
    gc.set_threshold(*_COLLECT_AFTER)


def steps(files: HeldFiles) -> list[Step]:
    """Return all of them, what the first page needs first."""
    return [
        *(partial(files.read, path) for path in files.first()),
        *(partial(import_module, name) for name in _LIBRARIES),
        *(partial(import_module, name) for name in _imported_by_pages()),
        *(partial(_speak, name) for name in LANGUAGES),
        packed_bundle,
    ]


def _imported_by_pages() -> Iterator[str]:
    """Name the console's own modules that its pages import, each as often as they do."""
    for page in (_HERE / "frame.py", *sorted((_HERE / "app_pages").glob("*.py"))):
        for node in ast.parse(page.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module == "dashboard":
                yield from (f"dashboard.{each.name}" for each in node.names)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dashboard."):
                yield str(node.module)


def _speak(name: str) -> None:
    with speaking(name):
        number(0.5, 1)
        moment(0.0, "dd MMM y HH:mm")
