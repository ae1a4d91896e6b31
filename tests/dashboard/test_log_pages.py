"""The Live logs page of containers: the address says what is shown, and what is chosen goes into it."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard import session
from dashboard.engine.follower import Following
from tests.dashboard.test_container_pages import HIDING, POSTGRES, YH, container, desk, words

__all__ = ["desk"]  # the fixture

BOTH = {"container": ["yh", "postgres"]}


def views(tab):
    """The data of each log view on the page."""
    protos = [each.proto for each in tab.get("bidi_component")]
    return [json.loads(proto.json) for proto in protos if proto.component_name == "loadonce.log_view"]


def ranges(tab):
    """Which part of each log is asked for, without the mark of its line numbers."""
    return {
        each["source"]: {name: value for name, value in each["range"].items() if name != "log"}
        for view in views(tab)
        for each in view["sources"]
    }


def choose(tab, label, value):
    kinds = (*tab.selectbox, *tab.text_input, *tab.number_input, *tab.multiselect, *tab.button_group)
    next(widget for widget in kinds if widget.label == label).set_value(value).run()
    assert not tab.exception


def address(tab, name):
    value = tab.query_params.get(name, [])
    return list(value) if isinstance(value, list | tuple) else [value]


def test_the_newest_lines_are_followed_unless_something_else_is_asked(desk):
    tab = desk("logs", YH, POSTGRES, container="yh")
    assert ranges(tab) == {"yh": {}}
    assert views(tab)[0]["live"]


def test_several_containers_are_one_view(desk):
    tab = desk("logs", YH, POSTGRES, **BOTH)
    assert [[each["source"] for each in view["sources"]] for view in views(tab)] == [["yh", "postgres"]]


def test_each_log_has_a_token_of_its_own(desk):
    tab = desk("logs", YH, POSTGRES, **BOTH)
    tokens = session.console().tokens
    for each in views(tab)[0]["sources"]:
        assert tokens.accepts(each["token"], f"container:{each['source']}")


def test_side_by_side_they_are_one_view_each(desk):
    tab = desk("logs", YH, POSTGRES, **BOTH, view="side")
    assert [[each["source"] for each in view["sources"]] for view in views(tab)] == [["yh"], ["postgres"]]


def test_how_they_stand_is_kept_in_the_address(desk):
    tab = desk("logs", YH, POSTGRES, **BOTH)
    choose(tab, "View", "side")
    assert (address(tab, "view"), len(views(tab))) == (["side"], 2)


def test_one_container_has_no_side_by_side(desk):
    tab = desk("logs", YH, POSTGRES, container="yh", view="side")
    assert [view["sources"][0]["source"] for view in views(tab)] == ["yh"]
    assert "View" not in [group.label for group in tab.button_group]


def test_containers_that_are_chosen_go_into_the_address(desk):
    tab = desk("logs", YH, POSTGRES, container="yh", since="1h")
    choose(tab, "Containers", ["yh", "postgres"])
    assert (address(tab, "container"), address(tab, "since")) == (["yh", "postgres"], ["1h"])
    assert list(ranges(tab)) == ["yh", "postgres"]


def test_of_more_than_six_the_first_six_are_shown(desk):
    names = [f"c{number}" for number in range(8)]
    tab = desk("logs", *(container(name) for name in names), container=names)
    assert list(ranges(tab)) == names[:6]


def test_without_a_container_the_page_asks_for_one(desk):
    tab = desk("logs", YH, container="yh")
    choose(tab, "Containers", [])
    assert "Choose at least one container" in words(tab)
    choose(tab, "Containers", ["yh"])
    assert list(ranges(tab)) == ["yh"]


def test_a_span_is_looked_up_once_so_that_a_rerun_means_the_same_lines(desk):
    tab = desk("logs", YH, container="yh", since="5m")
    first = ranges(tab)["yh"]
    assert float(first["begin"]) == pytest.approx(time.time() - 300, abs=60)
    assert ranges(tab.run())["yh"] == first


def test_the_span_is_looked_up_anew_when_it_is_chosen_again(desk):
    tab = desk("logs", YH, container="yh", since="5m")
    first = ranges(tab)["yh"]
    choose(tab, "From", "newest")
    choose(tab, "From", "5m")
    assert float(ranges(tab)["yh"]["begin"]) > float(first["begin"])


def test_the_start_of_its_life_is_each_container_s_own(desk):
    older = container("older", started_at=1000.0)
    tab = desk("logs", YH, older, container=["yh", "older"], since="start")
    assert ranges(tab) == {
        "yh": {"begin": f"{YH.begun_at:.6f}"},
        "older": {"begin": f"{older.begun_at:.6f}"},
    }


def test_a_container_that_never_ran_has_no_start(desk):
    created = container("made", state="created", started_at=None)
    tab = desk("logs", created, container="made", since="start")
    assert "made has not been started yet" in words(tab)
    assert ranges(tab) == {"made": {}}


def test_so_many_of_the_newest_lines(desk):
    tab = desk("logs", YH, container="yh", tail="200")
    assert (ranges(tab), tab.number_input[0].value) == ({"yh": {"tail": "200"}}, 200)
    choose(tab, "Lines", 70_000)
    assert (address(tab, "tail"), ranges(tab)) == (["70000"], {"yh": {"tail": "70000"}})
    choose(tab, "Lines", 5000)
    assert address(tab, "tail") == []


def test_a_time_is_typed(desk):
    tab = desk("logs", YH, container="yh")
    choose(tab, "From", "time")
    choose(tab, "From when", "2026-01-02T03:04:05Z")
    assert address(tab, "since") == ["2026-01-02T03:04:05Z"]
    assert ranges(tab) == {"yh": {"begin": "1767323045.000000"}}


def test_an_end_makes_it_a_log_that_does_not_grow(desk):
    tab = desk("logs", YH, container="yh", since="2026-01-02T03:04:05Z")
    choose(tab, "Until", "time")
    choose(tab, "Until when", "2026-01-02T03:05:05Z")
    assert address(tab, "until") == ["2026-01-02T03:05:05Z"]
    assert ranges(tab) == {"yh": {"begin": "1767323045.000000", "until": "1767323105.000000"}}
    assert not views(tab)[0]["live"]
    choose(tab, "Until", "now")
    assert (address(tab, "until"), views(tab)[0]["live"]) == ([], True)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since": "yesterday"}, "From: 'yesterday' is no moment. Give a span such as 5m"),
        ({"until": "2999-01-01T00:00:00Z"}, "Until: '2999-01-01T00:00:00Z' has not come yet"),
        ({"tail": "all"}, "Lines: 'all' is no number of lines"),
        ({"since": "5m", "until": "1h"}, "This range ends before it begins"),
        ({"of": "yh", "at": "noon"}, "at 'noon', which is no time"),
    ],
)
def test_a_part_that_is_none_is_told_and_the_log_is_shown_all_the_same(desk, query, said):
    tab = desk("logs", YH, container="yh", **query)
    assert said in words(tab)
    assert list(ranges(tab)) == ["yh"]


def test_what_was_typed_wrongly_is_told_and_can_be_mended(desk):
    tab = desk("logs", YH, container="yh")
    choose(tab, "From", "time")
    choose(tab, "From when", "soon")
    assert "'soon' is no moment" in words(tab)
    choose(tab, "From when", "10m")
    assert "no moment" not in words(tab)
    assert "begin" in ranges(tab)["yh"]


def test_a_link_to_a_line_is_shown_and_the_log_opens_round_it(desk):
    tab = desk("logs", YH, POSTGRES, **BOTH, of="postgres", at="1767323045.123456")
    assert views(tab)[0]["at"] == {"source": "postgres", "time": 1767323045.123456}
    assert ranges(tab) == {name: {"at": "1767323045.123456"} for name in BOTH["container"]}


def test_side_by_side_only_the_log_of_the_line_shows_it(desk):
    tab = desk("logs", YH, POSTGRES, **BOTH, view="side", of="postgres", at="1767323045.5")
    assert [view["at"] for view in views(tab)] == [None, {"source": "postgres", "time": 1767323045.5}]


def test_another_choice_lets_go_of_the_line_that_a_link_led_to(desk):
    tab = desk("logs", YH, container="yh", of="yh", at="1767323045.5")
    choose(tab, "From", "1h")
    assert (address(tab, "of"), views(tab)[0]["at"]) == ([], None)


def test_the_whole_log_can_be_downloaded(desk):
    tab = desk("logs", YH, container="yh", since="5m")
    url = urlsplit(views(tab)[0]["sources"][0]["download"])
    query = {name: value[0] for name, value in parse_qs(url.query).items()}
    assert (url.path, query["run"], set(query)) == ("/live/log-file", "container:yh", {"run", "token"})
    assert session.console().tokens.accepts(query["token"], "container:yh")


def test_a_hidden_container_beside_a_shown_one_is_a_sentence_and_no_token(desk):
    tab = desk("logs", YH, POSTGRES, settings=HIDING, **BOTH)
    assert "postgres is not shown here" in words(tab)
    assert list(ranges(tab)) == ["yh"]


def test_a_log_that_is_not_followed_right_now_says_why(desk):
    tab = desk("logs", YH, container="yh")
    shelf = session.console().containers
    shelf.states["yh"] = Following("stopped", "yh is exited. Its log goes on when it starts again.")
    assert "yh is exited" in words(tab.run())


def test_the_numbers_of_its_lines_are_marked_for_the_server(desk):
    tab = desk("logs", YH, container="yh")
    assert views(tab)[0]["sources"][0]["range"]["log"] == "log-of-yh"


def test_the_way_back_to_runs_takes_the_containers_along(desk):
    tab = desk("logs", YH, container="yh", since="5m")
    choose(tab, "Log of", "A run")
    assert (address(tab, "container"), address(tab, "since")) == ([], [])
    assert not tab.multiselect
