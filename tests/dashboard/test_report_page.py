"""A report as a page: it says what was seen, runs nothing but its own charts, and asks for nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dashboard.evidence import Reason
from dashboard.report import write_report
from tests.dashboard import sample_records as sample


class _Page(HTMLParser):
    """The tags and the text of a page, and whether each tag that was opened is closed in its order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def _page(record: object, tmp_path: Path) -> _Page:
    write_report(record, tmp_path / "run.html")  # type: ignore[arg-type]
    return _Page((tmp_path / "run.html").read_text("utf-8"))


def test_the_page_says_the_verdict_the_counts_and_the_reasons(tmp_path: Path) -> None:
    page = _page(sample.run("red"), tmp_path)
    assert page.open == []
    text = " ".join(page.text.split())
    assert "✕ Red" in text
    assert "Load starts 3" in text
    assert "Two loads <overlapped> & failed." in text
    assert "20261123-084512-3f9c1a" in text


def test_the_page_has_a_row_for_each_variant_and_event(tmp_path: Path) -> None:
    page = _page(sample.run("green"), tmp_path)
    assert all(f"variant-{number}" in page.text for number in (1, 2, 3))
    assert "load completed" in page.text
    assert "0.500 s" in page.text or "0.50 s" in page.text


def test_everything_from_outside_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[31m"
    record = replace(sample.run("red"), actor=evil, warnings=(evil,), versions={evil: evil})
    record = replace(record, verdict=replace(sample.RED, reasons=(Reason(evil, evil),)))
    variant = replace(sample.variant(1, state="failed"), error=evil, variant_id=evil)
    event = replace(sample.event("started", 1), text=evil, thread=evil)
    record = replace(record, trials=(replace(sample.trial(1, "red"), variants=(variant,), events=(event,)),))
    page = _page(record, tmp_path)
    assert "img" not in {tag for tag, _ in page.tags}
    # The charts' numbers, their library and what draws them
    scripts = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert scripts == ["application/json", "text/plain", None]
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text


def test_the_page_asks_for_nothing_from_anywhere(tmp_path: Path) -> None:
    page = _page(sample.run("green"), tmp_path)
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "img"}
        assert not {"src", "href"} & attributes.keys()
    source = (tmp_path / "run.html").read_text("utf-8")
    assert not re.search(r"url\(|@import|https?://", source)


def test_only_the_two_scripts_that_draw_the_charts_may_run(tmp_path: Path) -> None:
    write_report(sample.run("red"), tmp_path / "run.html")
    source = (tmp_path / "run.html").read_text("utf-8")
    policy = re.search(r"script-src ([^\"]*)\">", source)
    packed = re.search(r'id="library">([^<]*)</script>', source)
    drawing = re.search(r"<script>(.*?)</script>", source, re.DOTALL)
    assert policy is not None
    assert packed is not None
    assert drawing is not None
    scripts = (drawing[1].encode(), gzip.decompress(base64.b64decode(packed[1])))
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    assert policy[1].split() == [f"'sha256-{found}'" for found in hashes]


def test_a_run_without_a_trial_needs_no_script(tmp_path: Path) -> None:
    page = _page(replace(sample.run("green"), trials=(), status="failed", verdict=None), tmp_path)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "script-src 'none'" in (tmp_path / "run.html").read_text("utf-8")


def test_of_very_many_events_the_first_are_shown_and_the_others_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.report_page._MOST_EVENTS", 2)
    page = _page(sample.run("red"), tmp_path)
    assert "These are the first 2 of 3 events; all are in the JSON and CSV reports" in page.text
    assert "load completed" not in page.text


def test_of_many_trials_the_deciding_one_is_shown_whole(tmp_path: Path) -> None:
    page = _page(sample.run("green", "red", "green"), tmp_path)
    assert "Variants of trial 2" in page.text
    assert "Variants of trial 1" not in page.text
    assert "trial 3" in page.text


def test_a_run_that_goes_on_has_a_page_too(tmp_path: Path) -> None:
    record = replace(
        sample.run("green"), status="running", verdict=None, message="Watching.", finished_at=None
    )
    assert "Running" in _page(record, tmp_path).text
