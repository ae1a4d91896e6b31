from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.live_access import LiveTokens
from dashboard.runs import PreflightError
from dashboard.settings import RunSettings, SettingsError
from dashboard.store import Store, StoreError
from dashboard.targets.base import Warmth
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import green_run, red_run, running_run, unproven_run

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"


class Desk:
    """A browser tab before a console of recorded runs."""

    def __init__(self, store):
        self.store, self.runner = store, RecordedRunner()
        self.install()

    def install(self, *records, **options):
        """Put these runs where the console remembers them."""
        self.runner = RecordedRunner(*records, **options)
        session.install(session.Console(self.runner, self.store, LiveTokens(), RecordedShelf()))

    def keep(self, *records):
        """Put these runs into the history."""
        for record in records:
            self.store.save(record)

    def open(self, page="launch", **query):
        """Open a page as its address would."""
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        if page != "launch":
            tab.switch_page(f"app_pages/{page}.py")
        tab.query_params.update({name: str(value) for name, value in query.items()})
        tab.run()
        assert not tab.exception
        return tab


@pytest.fixture
def desk(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    before = session.install(None)
    yield Desk(store)
    session.install(before)
    store.close()


def words(tab):
    """All that is written on the page and in its messages."""
    found = [*tab.markdown, *tab.title, *tab.info, *tab.error, *tab.header, *tab.subheader]
    return "\n".join(element.value for element in found)


def component(tab, name):
    """The data of the one mounted component of this name."""
    protos = [element.proto for element in tab.get("bidi_component")]
    found = [proto for proto in protos if proto.component_name == f"loadonce.{name}"]
    return json.loads(found[0].json) if found else None


def address(tab):
    return {name: value[0] if isinstance(value, list) else value for name, value in tab.query_params.items()}


# ------------------------------------------------------------------ the frame


def test_the_first_page_is_launch(desk):
    assert desk.open().title[0].value == "Launch"


@pytest.mark.parametrize(
    ("warmth", "colour"),
    [
        (Warmth("importing", "Warming up: importing torch and transformers, once."), ":orange"),
        (Warmth("ready", "Ready: a trial starts at once."), ":green"),
        (Warmth("failed", "The workers cannot start. Run `make install`."), ":red"),
    ],
)
def test_the_sidebar_says_how_warm_the_console_is(desk, warmth, colour):
    desk.install(warmth=warmth)
    text = desk.open().sidebar.markdown[0].value
    assert warmth.text in text
    assert colour in text


def test_the_sidebar_leads_to_the_run_under_way(desk):
    desk.install(running_run())
    tab = desk.open()
    assert "Under way: 5 variants, guard on" in "\n".join(each.value for each in tab.sidebar.markdown)


# ------------------------------------------------------------------ Launch


def test_the_form_says_what_will_happen(desk):
    assert "3 variants will be released at the same instant at a fresh worker." in words(desk.open())


def test_the_sentence_follows_the_form(desk):
    tab = desk.open()
    tab.number_input(key="jobs").set_value(4).run()
    assert "12 variants will be released" in words(tab)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("jobs", 0, "Jobs must be between 1 and 1,000; 0 was given."),
        ("variants_per_job", -3, "Variants per job must be between 1 and 1,000; -3 was given."),
        ("repeat", 10**7, "Repeats must be between 1 and 1,000"),
        ("timeout_s", 0, "The timeout must be between 1 and 3,600 seconds"),
    ],
)
def test_a_wrong_field_is_told_beside_it_and_nothing_is_launched(desk, field, value, says):
    tab = desk.open()
    tab.number_input(key=field).set_value(value).run()
    tab.button(key="launch").click().run()
    assert says in words(tab)
    assert "Correct the marked fields first." in words(tab)
    assert desk.runner.launched == []


def test_an_error_quotes_what_was_typed_as_it_is(desk):
    desk.install()
    desk.runner.refuses = SettingsError({"model": "The folder *x* [y](z) is missing."})
    tab = desk.open()
    tab.text_input(key="model").set_value("*x* [y](z)").run()
    tab.button(key="launch").click().run()
    assert r"The folder \*x\* \[y\]\(z\) is missing." in words(tab)


def test_a_refused_checkpoint_is_told_beside_its_field_until_it_is_changed(desk):
    desk.runner.refuses = SettingsError({"model": "The folder /nowhere is missing."})
    tab = desk.open()
    tab.text_input(key="model").set_value("/nowhere").run()
    tab.button(key="launch").click().run()
    assert "The folder /nowhere is missing." in words(tab)
    tab.text_input(key="model").set_value("/elsewhere").run()
    assert "is missing" not in words(tab)


@pytest.mark.parametrize(
    "error", [PreflightError("No worker can start. Run make."), StoreError("The disk is full.")]
)
def test_a_refusal_is_one_sentence_and_the_form_keeps_its_values(desk, error):
    desk.runner.refuses = error
    tab = desk.open()
    tab.number_input(key="variants_per_job").set_value(9).run()
    tab.button(key="launch").click().run()
    assert tab.error[0].value == str(error)
    assert tab.number_input(key="variants_per_job").value == 9


def test_a_second_run_is_refused_with_the_way_to_the_first(desk):
    desk.install(running_run())
    tab = desk.open()
    assert "A run is under way." in words(tab)
    tab.button(key="launch").click().run()
    assert "Wait for its end, or abort it." in tab.error[0].value


def test_launch_opens_the_live_run(desk):
    desk.install(green_run())
    tab = desk.open()
    tab.button(key="launch").click().run()
    assert not tab.exception
    assert desk.runner.launched == [(RunSettings(control=True), "local")]
    assert component(tab, "run_board")["view"]["run_id"] == green_run().run_id
    assert address(tab)["run"] == green_run().run_id


@pytest.mark.parametrize(("preset", "guard"), [("prove", "on"), ("break", "off")])
def test_a_preset_launches_at_one_press(desk, preset, guard):
    desk.install(green_run())
    tab = desk.open()
    tab.button(key=preset).click().run()
    settings, _ = desk.runner.launched[0]
    assert (settings.guard, settings.variants) == (guard, RunSettings().variants)


def test_the_control_can_be_left_out(desk):
    desk.install(green_run())
    tab = desk.open()
    tab.toggle(key="control").set_value(False).run()
    tab.button(key="launch").click().run()
    assert desk.runner.launched[0][0].wants_control is False


def test_the_control_has_no_meaning_with_the_guard_off(desk):
    tab = desk.open()
    tab.radio(key="guard").set_value("off").run()
    assert tab.toggle(key="control").disabled


# ------------------------------------------------------------------ Live run


def test_without_a_run_the_page_says_where_to_begin(desk):
    assert "No run yet. Launch one" in words(desk.open("run"))


def test_an_unknown_run_is_named(desk):
    assert "Run nonsense is not in this console’s history." in words(desk.open("run", run="nonsense"))


@pytest.mark.parametrize("make", [green_run, red_run, unproven_run])
def test_a_kept_run_is_opened_in_full(desk, make):
    desk.keep(make())
    view = component(desk.open("run", run=make().run_id), "run_board")["view"]
    assert view["banner"]["tone"] == make().verdict.verdict
    assert len(view["rows"]) == len(make().trials[0].variants)


def test_a_run_is_drawn_with_a_token_of_its_own(desk):
    desk.install(running_run())
    data = component(desk.open("run"), "run_board")
    assert session.console().tokens.accepts(data["token"], running_run().run_id)


def test_without_an_address_the_run_under_way_is_shown_and_named_in_the_address(desk):
    desk.keep(green_run())
    desk.install(running_run())
    tab = desk.open("run")
    assert component(tab, "run_board")["view"]["running"] is True
    assert address(tab)["run"] == running_run().run_id


def test_without_a_run_under_way_the_newest_is_shown(desk):
    desk.keep(replace(green_run(), created_at=1.0), red_run())
    assert component(desk.open("run"), "run_board")["view"]["run_id"] == red_run().run_id


def test_a_trial_of_the_address_is_shown(desk):
    desk.keep(green_run())
    data = component(desk.open("run", run=green_run().run_id, trial=2), "run_board")
    assert data["view"]["trial"] == 2


@pytest.mark.parametrize("trial", ["zwei", "99999999999", "-1", "²"])
def test_a_trial_that_is_no_number_is_passed_over(desk, trial):
    desk.keep(green_run())
    assert component(desk.open("run", run=green_run().run_id, trial=trial), "run_board")["trial"] is None


def test_the_latencies_are_charted(desk):
    desk.keep(green_run())
    chart = component(desk.open("run"), "live_chart")
    assert [each["name"] for each in chart["figure"]["data"]] == [
        "Waited for the load",
        "Loaded itself",
        "Answered",
    ]
    assert chart["library"].startswith("/live/assets/plotly-")


def test_a_history_that_cannot_be_read_is_one_sentence(desk):
    desk.store.close()
    assert "has been closed" in words(desk.open("run"))


# ------------------------------------------------------------------ Timeline


def test_without_a_run_the_timeline_says_where_to_begin(desk):
    assert "No run yet" in words(desk.open("timeline"))


def test_the_timeline_charts_and_lists_the_events(desk):
    desk.keep(green_run())
    tab = desk.open("timeline")
    assert "loads" in [each["name"] for each in component(tab, "timeline_chart")["figure"]["data"]]
    assert len(tab.dataframe[0].value) == len(green_run().trials[0].events)


def test_another_trial_is_picked(desk):
    desk.keep(green_run())
    tab = desk.open("timeline")
    tab.selectbox[1].set_value(2).run()
    assert "meta tensor error" in set(tab.dataframe[0].value["What"])


def test_another_run_is_picked_and_named_in_the_address(desk):
    desk.keep(green_run(), red_run())
    tab = desk.open("timeline", run=green_run().run_id, trial=2)
    tab.selectbox[0].set_value(red_run().run_id).run()
    assert address(tab) == {"run": red_run().run_id}


def test_a_run_without_a_trial_yet_has_an_empty_timeline(desk):
    desk.install(replace(running_run(), trials=()))
    assert "The worker has not started yet." in words(desk.open("timeline"))


# ------------------------------------------------------------------ Live logs


def test_the_logs_page_opens_without_a_run(desk):
    assert desk.open("logs").title[0].value == "Live logs"


def test_the_logs_page_opens_for_a_run(desk):
    desk.keep(green_run())
    assert not desk.open("logs", run=green_run().run_id).exception
