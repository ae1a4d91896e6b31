"""The versions of the libraries that a load goes through, read without importing any of them."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["versions"]


def versions() -> dict[str, str]:
    """Return the versions of Python, torch, transformers and accelerate, as far as they are installed."""
    found = {"python": sys.version.split()[0]}
    for name in ("torch", "transformers", "accelerate"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
