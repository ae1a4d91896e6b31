"""The audit on styles with known truth, as they are met in the field."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from dashboard.auditing.reading import audit_source

STYLES: Final[list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_name("styles.toml").read_text("utf-8")
)["style"]
MARK: Final = re.compile(r"#([!?]) ([a-z-]+)$")


def marked(source: str) -> list[tuple[str, int, bool]]:
    found = [(number, MARK.search(line)) for number, line in enumerate(source.splitlines(), 1)]
    return [(mark[2], number, mark[1] == "!") for number, mark in found if mark is not None]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style["name"])
def test_a_style_is_judged_as_it_is(style: dict[str, Any]) -> None:
    found = audit_source(style["source"].encode(), "service.py", style.get("callable")).findings
    assert [(each.code, each.line, each.certain) for each in found] == marked(style["source"]), style["why"]
