"""The loader as it is handed out by the console: its folder as a zip file, and what it says of itself."""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["about_the_loader", "loader_zip"]

_FOLDER: Final = Path(__file__).resolve().parents[1] / "loader"
_HEADING: Final = re.compile(r"^(#+ )", re.MULTILINE)


def loader_zip() -> bytes:
    """Return the folder `loader/` as a zip file, to be unpacked beside a service's code."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (*sorted(_FOLDER.glob("*.py")), _FOLDER / "README.md"):
            archive.write(path, f"loader/{path.name}")
    return made.getvalue()


@cache
def about_the_loader() -> str:
    """Return the loader's README for a page: without its title, and each heading one level deeper.

    Its code has no colours: Streamlit's are too pale to be read by everybody.
    """
    _title, _newline, text = (_FOLDER / "README.md").read_text("utf-8").partition("\n")
    return _HEADING.sub(r"#\1", text).replace("```python", "```text")
