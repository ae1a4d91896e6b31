"""Components from their files: scripts published, styles and markup without what only people read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from dashboard.component_code import publish

__all__ = ["component"]

_HERE: Final = Path(__file__).parent
_NOTE: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
# The framework makes a module of its own of this text, which has no address that a path could be relative to
_STUB: Final = """const {{ default: draw }} = await import(new URL("{path}", location.origin));
export default draw;
"""


def component(
    name: str, scripts: Sequence[str], *, styles: Sequence[str] = (), markup: str | None = None
) -> ComponentRenderer:
    """Return what mounts a component that is made of files of this folder.

    Args:
        name: what it is known by to the framework and in its script's address.
        scripts: joined in this order into one module; the last one exports what draws.
        styles, markup: of its shadow root; sent with it, because they must be there before the script.
    """
    path = publish(name, "\n".join(_text(each) for each in scripts))
    css = "\n".join(_bare(_NOTE.sub("", _text(each))) for each in styles)
    return st.components.v2.component(
        f"loadonce.{name}",
        js=_STUB.format(path=path),
        css=css or None,
        html=None if markup is None else _bare(_text(markup)),
    )


def _text(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _bare(text: str) -> str:
    return "\n".join(line for line in map(str.strip, text.splitlines()) if line)
