"""The loader's README promises nothing that no test holds, and no setting that nobody reads."""

from __future__ import annotations

import re
from pathlib import Path

from loader.settings import VARIABLES

HERE = Path(__file__).resolve().parent
README = (HERE.parent.parent / "loader" / "README.md").read_text("utf-8")


def test_every_test_that_it_names_is_there() -> None:
    tests = "".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", README))
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_guarantee_names_a_test() -> None:
    table = README.split("## What it guarantees")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "Held by" not in line]
    assert len(rows) > 10
    assert [row for row in rows if "`test_" not in row] == []


def test_every_variable_that_it_names_is_read() -> None:
    assert set(re.findall(r"LOADONCE_[A-Z_]+", README)) <= set(VARIABLES)
