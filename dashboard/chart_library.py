"""What draws the charts in a browser: plotly.js in its basic build, which lies beside this file.

The build in the plotly wheel knows fifty kinds of charts, and a browser takes a second of work to read it.
All figures of the console are lines and bars, of which the basic build, from the same makers and of the same
version, knows enough at an eighth of that. Tests hold both: its version, and what figures are made of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["LIBRARY_VERSION", "library"]

LIBRARY_VERSION: Final = "4.1.1"
"""That of plotly.js, not of the Python package, which `plotly.offline.get_plotlyjs_version` tells for it."""
_FILE: Final = Path(__file__).parent / "static" / "plotly-basic.min.js"


def library() -> bytes:
    """Return the script. Blocks for a file."""
    return _FILE.read_bytes()
