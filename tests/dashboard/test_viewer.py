"""The language of a browser tab: chosen, remembered, or its browser's."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.language import language, speaking
from dashboard.viewer import LANGUAGE_KEY
from tests.dashboard.records import red_run
from tests.dashboard.test_pages import FRAME, component, desk

__all__ = ["desk"]  # the fixture


def first_view(**query):
    tab = AppTest.from_file(str(FRAME), default_timeout=20)
    tab.query_params.update(query)
    tab.run()
    assert not tab.exception
    return tab


def switch(tab):
    return next(each for each in tab.sidebar.button_group if each.key == LANGUAGE_KEY)


def korean_doubles():
    """Let AppTest, which plays the browser on this thread, write options as a Korean one does."""
    return speaking("ko")


def title(tab):
    return tab.title[0].value


def test_a_tab_of_which_nothing_is_known_speaks_english(desk):
    assert title(first_view()) == "Launch"


def test_a_link_may_name_the_language_and_is_followed_once(desk):
    tab = first_view(language="ko")
    assert title(tab) == "시작"
    assert LANGUAGE_KEY not in tab.query_params


@pytest.mark.parametrize("name", ["de", "", "../../etc/passwd", "ko; path=/"])
def test_a_link_to_a_language_that_is_none_is_english(desk, name):
    assert title(first_view(language=name)) == "Launch"


def test_the_switch_changes_this_tab_alone(desk):
    one, other = first_view(), first_view()
    switch(one).set_value("ko").run()
    other.run()
    assert (title(one), title(other)) == ("시작", "Launch")
    with korean_doubles():
        switch(one).set_value("en").run()
    assert title(one) == "Launch"


def test_the_language_goes_along_from_page_to_page(desk):
    tab = first_view(language="ko")
    with korean_doubles():
        tab.switch_page("app_pages/targets.py").run()
    assert title(tab) == "대상"


def test_what_is_chosen_is_given_to_the_browser_to_keep(desk):
    tab = first_view(language="ko")
    assert component(tab, "language_memory") == {"language": "ko", "cookie": "loadonce_language"}


def test_a_thread_that_draws_no_page_speaks_english(desk):
    first_view(language="ko")
    assert language() == "en"


def test_a_board_is_told_in_the_language_of_its_tab(desk):
    desk.keep(red_run())
    tab = first_view(language="ko")
    with korean_doubles():
        tab.switch_page("app_pages/run.py").run()
    assert not tab.exception
    found = component(tab, "run_board")
    assert found["language"] == "ko"
    assert found["words"]["Run again"] == "다시 실행"
    assert found["view"]["banner"]["headline"].startswith("두 번 이상 로딩됨")
    assert "락" in json.dumps(found["view"]["findings"], ensure_ascii=False)
