"""The benchmark of the pages: what it looks at. It takes minutes: what it hears is tested beside this."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import __main__ as command
from benchmarks import pages

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"


def test_it_looks_at_every_page() -> None:
    names = re.findall(r'st\.Page\(\s*"app_pages/(\w+)\.py"', FRAME.read_text("utf-8"))
    assert {page or "launch" for page in pages.PAGES} == set(names)


def test_it_can_be_asked_for_by_its_name() -> None:
    assert pages.NAME in command.ON_REQUEST
