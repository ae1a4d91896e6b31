"""The History page as an operator uses it: runs are found by words, tags and logs, noted and deleted."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.curation import tag_runs, write_note
from dashboard.evidence import LogLine
from dashboard.live_access import LiveTokens
from dashboard.runs_desk import table_key
from dashboard.store import Store
from tests.dashboard import sample_records as sample
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.test_pages import FRAME, address, words


@pytest.fixture(autouse=True)
def _console(store: Store):
    before = session.install(session.Console(RecordedRunner(), store, LiveTokens(), RecordedShelf()))
    yield
    session.install(before)


@pytest.fixture
def kept(store: Store) -> Store:
    for number, colour in enumerate(("green", "red", "green")):
        run_id = f"2026112{number}-084512-3f9c1a"
        store.save(sample.run(colour, run_id=run_id, created_at=sample.START + number))
        line = LogLine("trial-1", 4, "stdout", sample.START, f"Cannot copy out of meta tensor {number}")
        store.save_log(run_id, "trial-1", [line])
    return store


RED = "20261121-084512-3f9c1a"


def opened(**query: str) -> AppTest:
    tab = AppTest.from_file(str(FRAME), default_timeout=60).run()
    tab.switch_page("app_pages/history.py")
    tab.query_params.update(query)
    tab.run()
    assert not tab.exception
    return tab


def shown(tab: AppTest) -> list[str]:
    return [run_id[:8] for run_id in tab.dataframe[0].value["Run"]] if tab.dataframe else []


def ticked(tab: AppTest, *places: int) -> AppTest:
    """The page with these rows ticked: AppTest has no hands for a table."""
    key = table_key(list(tab.dataframe[0].value["Run"]))
    tab.session_state[key] = {"selection": {"rows": list(places), "columns": [], "cells": []}}
    tab.run()
    assert not tab.exception
    return tab


def test_without_a_run_it_says_where_to_begin() -> None:
    assert "No run has been made yet." in words(opened())


def test_runs_are_listed_newest_first(kept: Store) -> None:
    tab = opened()
    assert shown(tab) == ["20261122", "20261121", "20261120"]
    assert list(tab.dataframe[0].value["Verdict"]) == ["✓ Green", "✕ Red", "✓ Green"]


def test_a_choice_filters_the_list_and_goes_into_the_address(kept: Store) -> None:
    tab = opened()
    tab.selectbox(key="verdict").set_value("red").run()
    assert shown(tab) == ["20261121"]
    tab.text_input(key="search").set_value("TRANSFORMERS 5.23").run()
    assert address(tab) == {"verdict": "red", "search": "TRANSFORMERS 5.23"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "20261120"}, ["20261120"]),
        ({"verdict": "green"}, ["20261122", "20261120"]),
        ({"tag": "gate"}, ["20261120"]),
        ({"log": r"meta tensor [12]"}, ["20261122", "20261121"]),
        ({"log": "tensor 2", "verdict": "red"}, []),
    ],
)
def test_a_link_restores_what_was_found(kept: Store, query: dict[str, str], found: list[str]) -> None:
    tag_runs(kept, ["20261120-084512-3f9c1a"], add=["gate"], actor="ann")
    assert shown(opened(**query)) == found


def test_a_link_restores_a_span_of_time(store: Store) -> None:
    for run_id, created in (("old-0001", 1.0), ("new-0001", time.time())):
        store.save(sample.run("green", run_id=run_id, created_at=created))
    assert shown(opened(since="1d")) == ["new-0001"]


def test_a_run_that_is_found_by_its_log_shows_the_line(kept: Store) -> None:
    table = opened(log="tensor 1").dataframe[0].value
    assert list(table["Its log says"]) == ["Cannot copy out of meta tensor 1"]


def test_a_search_without_a_hit_says_how_to_see_every_run(kept: Store) -> None:
    assert "Empty the filters to see every run." in words(opened(search="nothing like it"))


def test_what_is_no_pattern_is_a_sentence_and_the_filters_stay(kept: Store) -> None:
    tab = opened(log="(")
    assert "is no pattern of RE2" in words(tab)
    assert tab.text_input(key="log").value == "("


def test_a_long_history_is_turned_page_by_page(store: Store) -> None:
    for number in range(130):
        store.save(sample.run("green", run_id=f"run-{number:05}", created_at=sample.START + number))
    tab = opened()
    assert (len(shown(tab)), tab.button(key="newer").disabled) == (100, True)
    tab.button(key="older").click().run()
    assert (len(shown(tab)), address(tab)) == (30, {"page": "2"})


def test_a_ticked_run_shows_its_tags_and_its_note_as_they_are(kept: Store) -> None:
    tag_runs(kept, [RED], add=["gate"], actor="ann")
    write_note(kept, RED, "*not* markdown", actor="ann")
    said = words(ticked(opened(), 1))
    assert RED in said
    assert r"\*not\* markdown" in said


def test_a_note_is_written_and_recorded(kept: Store) -> None:
    tab = ticked(opened(), 1)
    tab.text_area(key=f"note-{RED}").set_value("before the upgrade")
    tab.button(key="save_note").click().run()
    found = kept.summary(RED)
    assert found is not None
    assert found.note == "before the upgrade"
    assert (kept.actions()[0].action, kept.actions()[0].run_id) == ("note", RED)


def test_a_run_is_deleted_only_once_that_is_confirmed(kept: Store) -> None:
    tab = ticked(opened(), 1)
    tab.button(key="delete").click().run()
    assert RED in words(tab)
    assert kept.count() == 3
    tab.button(key="delete_for_good").click().run()
    assert kept.count() == 2
    assert kept.load(RED) is None
    assert RED[:8] not in shown(tab)
    assert not [button for button in tab.button if button.key == "delete"]  # no other run is ticked now
    assert f"Run {RED} was deleted." in [each.value for each in tab.toast]


def test_a_run_under_way_cannot_be_deleted_and_the_page_says_why(kept: Store) -> None:
    kept.save(replace(sample.run("green", run_id="under-way"), status="running", verdict=None))
    tab = ticked(opened(search="under-way"), 0)
    tab.button(key="delete").click().run()
    tab.button(key="delete_for_good").click().run()
    assert "Run under-way is under way and cannot be deleted." in words(tab).replace("\\", "")
    assert kept.count() == 4
