"""The example of docs/targets.md, as the tests read it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "targets.md"


def example() -> str:
    """The longest TOML block of the page: the full, commented file."""
    blocks: list[str] = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return max(blocks, key=len)
