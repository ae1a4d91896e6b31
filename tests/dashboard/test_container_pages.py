"""The pages that show containers: Targets, Launch and Live logs, with recorded containers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.live_access import LiveTokens
from dashboard.settings import RunSettings
from dashboard.store import Store
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import green_run

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
NO_ENGINE = "No Docker engine answers at unix:///var/run/docker.sock. Start Docker."


def container(name: str, **facts: object) -> ContainerFacts:
    known = {"state": "running", "started_at": time.time() - 7300, "image": "feedlyai/work:3"}
    return ContainerFacts(id=name * 4, name=name, image_id="sha256:1", **(known | facts))


@pytest.fixture
def desk(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    before = session.install(None)
    runner = RecordedRunner(green_run())

    def open_page(page, *containers, problem="", settings="", **query):
        if settings:
            (tmp_path / "targets.toml").write_text(settings, "utf-8")
        shelf = RecordedShelf(*containers, problem=problem)
        session.install(session.Console(runner, store, LiveTokens(), containers=shelf, home=tmp_path))
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        if page != "launch":
            tab.switch_page(f"app_pages/{page}.py")
        tab.query_params.update(query)
        tab.run()
        assert not tab.exception
        return tab

    open_page.runner, open_page.home = runner, tmp_path
    yield open_page
    session.install(before)
    store.close()


YH = container("yh", labels={"loadonce.target": "true"})
POSTGRES = container("postgres", health="healthy")


def words(tab):
    kinds = (tab.markdown, tab.info, tab.warning, tab.error, tab.title, tab.caption)
    return " ".join(element.value for kind in kinds for element in kind)


def test_every_container_is_listed_with_whether_it_may_be_tested(desk):
    table = desk("targets", YH, POSTGRES).dataframe[0].value
    assert dict(zip(table["Name"], table["May be tested"], strict=True)) == {
        "yh": "✓ Yes",
        "postgres": "– Only looked at",
    }


def test_the_state_is_told_in_a_word_and_not_by_colour_alone(desk):
    dead = container("dead", state="exited", exit_code=137, oom_killed=True, started_at=None)
    table = desk("targets", POSTGRES, dead).dataframe[0].value
    assert list(table["State"]) == ["● running, healthy", "○ exited (status 137), out of memory"]


def test_the_owner_s_labels_are_listed_and_not_those_of_compose_itself(desk):
    labels = {"team": "vision", "com.docker.compose.project": "feedlyai", "com.docker.compose.service": "yh"}
    table = desk("targets", container("yh", labels=labels), POSTGRES).dataframe[0].value
    assert table["Service"].iloc[0] == "yh"
    assert table["Labels"].iloc[0] == "team=vision"


def test_what_the_settings_hide_is_not_shown(desk):
    tab = desk("targets", YH, POSTGRES, settings='[containers]\nshow = "allowed"\n')
    assert list(tab.dataframe[0].value["Name"]) == ["yh"]


def test_a_name_in_the_settings_may_be_tested(desk):
    tab = desk("launch", POSTGRES, settings='[containers]\nallow = ["postgres"]\n')
    assert tab.selectbox(key="target").options[1:] == ["Container postgres"]


def test_without_an_engine_the_page_says_why_and_stays_usable(desk):
    tab = desk("targets", problem=NO_ENGINE)
    assert "No Docker engine answers" in words(tab)
    assert tab.text_area


def test_settings_are_saved_as_they_were_typed(desk):
    tab = desk("targets", YH)
    text = '# mine\n[containers]\nallow = ["yh"]\n'
    tab.text_area[0].set_value(text).run()
    tab.button[0].click().run()
    assert not tab.exception
    assert (desk.home / "targets.toml").read_text("utf-8") == text


def test_wrong_settings_are_refused_with_the_line_and_nothing_typed_is_lost(desk):
    tab = desk("targets", YH)
    tab.text_area[0].set_value("[containers]\nalow = []\n").run()
    tab.button[0].click().run()
    assert "line 2" in words(tab)
    assert "allow" in words(tab)
    assert tab.text_area[0].value == "[containers]\nalow = []\n"
    assert not (desk.home / "targets.toml").exists()


def test_a_file_that_changed_meanwhile_is_not_overwritten(desk):
    tab = desk("targets", YH)
    tab.text_area[0].set_value('[containers]\nallow = ["a"]\n').run()
    (desk.home / "targets.toml").write_text('[containers]\nallow = ["b"]\n', "utf-8")
    tab.button[0].click().run()
    assert "changed" in words(tab)
    assert '"b"' in (desk.home / "targets.toml").read_text("utf-8")
    assert '"a"' in tab.text_area[0].value


def test_a_broken_file_allows_nothing_but_what_is_labelled(desk):
    tab = desk("targets", YH, POSTGRES, settings="[containers\n")
    assert "Only labelled containers" in words(tab)
    assert "line 1" in words(tab)
    assert dict(tab.dataframe[0].value[["Name", "May be tested"]].values) == {"yh": "✓ Yes"}


def test_the_log_of_what_a_broken_file_may_hide_is_a_sentence(desk):
    tab = desk("logs", YH, POSTGRES, settings="[containers\n", container="postgres")
    assert "postgres is not shown now: targets.toml, which may hide it, cannot be read" in words(tab)


def test_the_address_chooses_the_target(desk):
    tab = desk("launch", YH, target="container:yh")
    assert tab.selectbox(key="target").value == "container:yh"


def test_a_restart_is_launched_only_when_it_was_agreed_to(desk):
    tab = desk("launch", YH, target="container:yh")
    assert "4 open connections" in words(tab)
    assert tab.button(key="launch").disabled
    tab.checkbox[0].check().run()
    tab.button(key="launch").click().run()
    assert desk.runner.launched == [(RunSettings(target="container:yh"), "local")]


def test_without_a_restart_nothing_needs_to_be_agreed_to(desk):
    tab = desk("launch", YH, target="container:yh")
    tab.toggle(key="restart").set_value(False).run()
    assert not tab.button(key="launch").disabled


def test_what_cannot_be_set_in_a_container_is_not_asked_for(desk):
    tab = desk("launch", YH, target="container:yh")
    assert not tab.radio
    assert not tab.text_input


def test_a_target_that_is_gone_says_so(desk):
    assert "No such container: yh" in words(desk("launch", target="container:yh"))


def test_the_log_of_a_container_is_named_by_the_address(desk):
    tab = desk("logs", YH, POSTGRES, container="postgres")
    assert tab.multiselect[0].value == ["postgres"]


HIDING = '[containers]\nshow = "allowed"\n'


def test_the_log_of_a_hidden_container_is_a_sentence_and_no_token(desk):
    tab = desk("logs", YH, POSTGRES, settings=HIDING, container="postgres")
    assert "postgres is not shown here" in words(tab)
    shown = [each.proto.component_name for each in tab.get("bidi_component")]
    assert not [name for name in shown if "log_view" in name]


@pytest.mark.parametrize("name", ["postgres", POSTGRES.id, "nobody"])
def test_the_console_opens_no_log_of_what_is_hidden(desk, name):
    desk("logs", YH, POSTGRES, settings=HIDING)
    with pytest.raises(EngineError, match="is not shown here"):
        session.console().container_logs(name)


def test_a_container_that_nobody_allowed_is_not_asked_what_a_restart_disturbs(desk):
    tab = desk("launch", YH, POSTGRES, target="container:postgres")
    assert "postgres may only be looked at" in words(tab)
    assert "open connections" not in words(tab)


def test_the_logs_of_runs_stay_when_there_are_containers(desk):
    tab = desk("logs", YH, run=green_run().run_id)
    assert [box.label for box in tab.selectbox] == ["Run"]
