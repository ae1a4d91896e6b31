"""The console in Korean in a real browser: chosen once, remembered, and written as Korean is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.recorded_pages import settled

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("recorded_app.py")
SENTENCE = re.compile(r"\b[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}\b")
MOMENT = re.compile(r"\d{4}년 \d{1,2}월 \d{1,2}일 \d{2}:\d{2}:\d{2}")
FRAMEWORK = {"Skip to main content"}  # Streamlit's own, in English in every language


@pytest.fixture(scope="module")
def console(module_console_server: Callable[..., Any], tmp_path_factory: Any) -> Any:
    """Every page with content, over what was recorded."""
    home = tmp_path_factory.mktemp("home")
    return module_console_server(APP, RECORDED="full", RECORDED_HOME=str(home))


def heading(page: Page) -> Any:
    return page.get_by_role("heading", level=1)


def english(page: Page) -> list[str]:
    """The lines in sight that hold an English sentence; code and quoted logs are not looked at."""
    texts: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("h1, h2, h3, h4, label, button, a, p, li, th, summary")]
            .filter((each) => each.checkVisibility() && !each.closest("pre, code"))
            .map((each) => each.innerText.trim())"""
    )
    return [text for text in texts if SENTENCE.search(text) and text not in FRAMEWORK]


def test_korean_is_chosen_once_and_remembered(new_page: Callable[..., Page], console: Any) -> None:
    page = new_page(fresh=True)
    page.goto(console.url)
    expect(heading(page)).to_have_text("Launch")
    page.get_by_role("radio", name="한국어").or_(page.get_by_role("button", name="한국어")).first.click()
    expect(heading(page)).to_have_text("시작")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    page.reload()
    expect(heading(page)).to_have_text("시작")
    page.goto(f"{console.url}/targets")
    expect(heading(page)).to_have_text("대상")
    other = page.context.new_page()  # another tab of the same browser
    other.goto(console.url)
    expect(heading(other)).to_have_text("시작")
    other.close()


def test_another_viewer_keeps_english_meanwhile(new_page: Callable[..., Page], console: Any) -> None:
    korean, other = new_page(fresh=True), new_page(fresh=True)
    korean.goto(f"{console.url}/?language=ko")
    expect(heading(korean)).to_have_text("시작")
    other.goto(console.url)
    expect(heading(other)).to_have_text("Launch")


def test_a_korean_browser_is_greeted_in_korean(new_page: Callable[..., Page], console: Any) -> None:
    page = new_page(fresh=True, locale="ko-KR")
    page.goto(console.url)
    expect(heading(page)).to_have_text("시작")


PAGES = {
    "": "시작",
    "guide?target=local": "가이드",
    "sweep": "스윕",
    "logs?container=yh": "실시간 로그",
    "history": "기록",
}


def test_the_pages_have_no_english_sentence(new_page: Callable[..., Page], console: Any) -> None:
    page = new_page(fresh=True, locale="ko-KR")
    found = {}
    for path, title in PAGES.items():
        page.goto(f"{console.url}/{path}")
        expect(heading(page)).to_have_text(title)
        settled(page)
        found[path] = english(page)
    assert found == {path: [] for path in PAGES}


def test_a_run_is_told_in_korean_with_its_times(new_page: Callable[..., Page], console: Any) -> None:
    page = new_page(fresh=True, locale="ko-KR")
    page.goto(f"{console.url}/run?run=20261123-084600-77aa01")
    expect(page.locator(".verdict h2")).to_contain_text("두 번 이상 로딩됨")
    expect(page.locator(".facts")).to_contain_text(MOMENT)
    expect(page.get_by_role("heading", name="이렇게 판정한 이유")).to_be_visible()
    expect(page.locator(".axis")).to_contain_text(re.compile(r"\d+(\.\d)?초|\d+ ms"))


def test_what_was_chosen_in_a_form_outlives_the_switch(new_page: Callable[..., Page], console: Any) -> None:
    page = new_page(fresh=True)
    page.goto(console.url)
    page.get_by_text("No second check", exact=True).click()
    settled(page)
    page.get_by_role("radio", name="한국어").or_(page.get_by_role("button", name="한국어")).first.click()
    expect(heading(page)).to_have_text("시작")
    expect(page.get_by_role("radio", name="두 번째 확인 없음")).to_be_checked()
