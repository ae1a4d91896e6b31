"""Two threads import two modules that import each other: Python breaks the deadlock with half a module."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from tests.field_errors.said import at_once, begin

MODULE = """
import threading_gate
threading_gate.MET.wait(60)
import {other}
MODEL = {other}.MODEL
"""

with tempfile.TemporaryDirectory() as place:
    folder = Path(place)
    (folder / "threading_gate.py").write_text("import threading\nMET = threading.Barrier(2)\n")
    for own, other in (("vision", "language"), ("language", "vision")):
        (folder / f"{own}.py").write_text(MODULE.format(other=other))
    sys.path.insert(0, place)
    importlib.import_module("threading_gate")
    begin()
    at_once(lambda: importlib.import_module("vision"), lambda: importlib.import_module("language"))
