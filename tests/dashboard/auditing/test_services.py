"""The audit of the services with known truth, beside what a probe makes of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from dashboard.auditing.reading import audit_source

SERVICES: Final = Path(__file__).resolve().parents[2] / "services"
TRUTH: Final[dict[str, dict[str, Any]]] = tomllib.loads((SERVICES / "services.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", [name for name in TRUTH if "audit" in TRUTH[name]])
def test_a_service_is_read_as_it_is(name: str) -> None:
    path = SERVICES / f"{name}.py"
    found = audit_source(path.read_bytes(), path.name, "get_model").findings
    assert [[each.code, each.line, each.certain] for each in found] == TRUTH[name]["audit"]


def test_no_clean_source_is_red_in_a_probe_but_for_what_it_acts_out() -> None:
    clean = {name for name in TRUTH if TRUTH[name].get("audit") == []}
    assert {name for name in clean if TRUTH[name]["probe"]["verdict"] == "red"} == {"meta_tensor"}
