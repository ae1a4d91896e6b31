"""A component's script comes from an address of its own, once for each browser, and never with its data."""

import re
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.component_code import CODE_ROUTE, code_file, publish
from dashboard.components.source import component

COMPONENTS = Path(__file__).parents[2] / "dashboard" / "components"
SOURCE = "export default function draw() { return '한국어'; }\n"


@pytest.fixture
def browser():
    return TestClient(Starlette(routes=[Route(CODE_ROUTE, code_file)]))


@pytest.mark.parametrize("unpacks", ["gzip", "identity"])
def test_a_published_script_comes_as_it_was_written(browser, unpacks):
    answer = browser.get(publish("board", SOURCE), headers={"accept-encoding": unpacks})
    assert (answer.status_code, answer.text) == (200, SOURCE)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers.get("content-encoding", "identity") == unpacks


def test_a_browser_may_keep_it_for_good_because_another_source_has_another_address(browser):
    path = publish("board", SOURCE)
    assert "immutable" in browser.get(path).headers["cache-control"]
    assert publish("board", SOURCE + "// changed") != path == publish("board", SOURCE)


def test_a_script_of_another_version_is_not_found_and_the_way_on_is_told(browser):
    answer = browser.get(CODE_ROUTE.format(file="board-0123.js"))
    assert (answer.status_code, "Reload the page" in answer.text) == (404, True)


def test_what_the_framework_sends_of_a_component_is_where_its_script_lies(browser, monkeypatch):
    sent = {}
    monkeypatch.setattr(st.components.v2, "component", lambda name, **given: sent.update(given))
    component("keyboard", ["words.js", "keyboard.js"], styles=["keyboard.css"])
    path = re.search(r'"(/live/code/keyboard-\w+\.js)"', sent["js"])[1]
    assert len(sent["js"]) < 200
    assert browser.get(path).text.endswith((COMPONENTS / "keyboard.js").read_text("utf-8"))
    assert "/*" not in sent["css"]


def test_no_component_goes_another_way():
    texts = {path.name: path.read_text("utf-8") for path in COMPONENTS.parent.rglob("*.py")}
    assert [name for name, text in texts.items() if "components.v2.component(" in text] == ["source.py"]
