"""The program of a probe runs on the Python that a stranger's container has."""

from __future__ import annotations

import ast
import os
import sys
import threading
from pathlib import Path
from typing import Final

import pytest

from dashboard.probing.program import Loads, Output, Report, Threads

PROGRAM: Final = Path(__file__).resolve().parent.parent.parent.parent / "dashboard" / "probing" / "program.py"


def test_it_is_written_in_python_3_8() -> None:
    ast.parse(PROGRAM.read_text("utf-8"), feature_version=(3, 8))


def test_it_needs_nothing_but_the_standard_library() -> None:
    names = set[str]()
    for node in ast.walk(ast.parse(PROGRAM.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])
    assert names <= sys.stdlib_module_names


def test_threads_that_a_service_keeps_from_beginning_are_not_waited_for(monkeypatch, tmp_path) -> None:
    told = os.open(tmp_path / "told", os.O_WRONLY | os.O_CREAT)
    report = Report(told, "token")
    monkeypatch.setattr(Output, "__init__", lambda self, report: None)
    threads = Threads(object, 3, report, Output(report), Loads(report))
    monkeypatch.setattr(threading.Thread, "start", lambda self: None)  # as a patching of the library may
    with pytest.raises(RuntimeError, match="did not begin"):
        threads.run(timeout=-10.0)
    os.close(told)
