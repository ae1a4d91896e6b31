"""Real sources, broken at random: the audit judges whatever is still Python, and never stumbles over it."""

from __future__ import annotations

import ast
import copy
import random
from pathlib import Path
from typing import Final, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.auditing import reading
from dashboard.auditing.findings import Code
from dashboard.auditing.reading import SourceError, audit_source
from tests.dashboard.auditing.test_styles import STYLES

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCES: Final = [
    *(style["source"] for style in STYLES),
    *(path.read_text("utf-8") for path in sorted((ROOT / "tests/services").glob("*.py"))),
    *(path.read_text("utf-8") for path in sorted((ROOT / "loader").glob("*.py"))),
]
WORDS: Final = (
    "None",
    "self",
    "_lock",
    "_model",
    "await x",
    "lambda: x",
    "(y := x)",
    "*x",
    "{}",
    "x[y]",
    "x.y()",
)


def audited(source: str) -> None:
    """Audit a source as strangers' are, and hold that what is found can be told."""
    try:
        found = audit_source(source.encode("utf-8", "replace"), "service.py")
    except SourceError:
        return
    for each in found.findings:
        assert each.code in get_args(Code)
        assert "stumbled" not in each.text, each.text
        assert 0 < each.line <= max(1, len(found.lines))


def bent(module: ast.Module, chance: random.Random) -> ast.Module:
    """Return a module with some of its parts left out, doubled, or put in each other's place."""
    module = copy.deepcopy(module)
    for _ in range(chance.randint(1, 6)):
        bodies = [
            part
            for node in ast.walk(module)
            for name in ("body", "orelse", "finalbody", "decorator_list", "args", "targets")
            if isinstance(part := getattr(node, name, None), list) and part
        ]
        one, other = chance.choice(bodies), chance.choice(bodies)
        at = chance.randrange(len(one))
        if isinstance(one[at], ast.stmt) != isinstance(other[0], ast.stmt):
            other = one
        act = chance.randrange(3)
        if act == 0:
            del one[at]
        elif act == 1:
            other.insert(chance.randint(0, len(other)), copy.deepcopy(one[at]))
        else:
            one[at] = copy.deepcopy(chance.choice(other))
    return module


@given(source=st.sampled_from(SOURCES), chance=st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_parts_put_elsewhere_are_judged(source: str, chance: random.Random) -> None:
    try:
        text = ast.unparse(bent(ast.parse(source), chance))
    except (AttributeError, TypeError, ValueError, IndexError):
        return  # what was made is no tree of Python's
    audited(text)


@given(source=st.sampled_from(SOURCES), chance=st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
@example(source="def get_model():\n    return await x\n", chance=random.Random(0))
def test_lines_and_words_put_elsewhere_are_judged(source: str, chance: random.Random) -> None:
    lines = source.splitlines()
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(lines))
        words = lines[at].split(" ")
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        lines[at] = chance.choice((lines[chance.randrange(len(lines))], " ".join(words), lines[at].strip()))
    audited("\n".join(lines))


def test_a_fault_of_the_audit_would_be_seen(monkeypatch) -> None:
    monkeypatch.setattr(reading, "judge", lambda entry: 1 / 0)
    with pytest.raises(AssertionError, match="stumbled"):
        audited(STYLES[0]["source"])
