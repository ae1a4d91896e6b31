from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard import guide_desk, session
from dashboard.engine.faults import EngineError
from dashboard.evidence import Counts, Verdict
from dashboard.guide import GuideFacts, ReadSource, cures, result_rows
from dashboard.guide_steps import guide_steps
from dashboard.language import speaking
from dashboard.log_desk import JudgedLog, judge_container_log
from dashboard.log_verdict import LogVerdict
from dashboard.runs import PreflightError
from dashboard.settings import RunSettings
from tests.dashboard.records import ZERO, green_run, red_run, running_run
from tests.dashboard.test_container_pages import NO_ENGINE, POSTGRES, YH, container, desk, words

__all__ = ["desk"]  # the fixture

STEPS = ["source", "restart", "release", "wait", "look", "count", "meta", "model"]


def at_container(**facts):
    return GuideFacts(target="container:yh", container=YH, **facts)


def steps(facts):
    return {step.key: step for step in guide_steps(facts)}


def log_of(**counts):
    return JudgedLog(ZERO, LogVerdict(Verdict("green", (), Counts(**counts)), (), 12))


def button(tab, key):
    return next(each for each in tab.button if each.key == f"guide-{key}")


def said(tab):
    """All that is written, without the marks that keep it from being read as Markdown."""
    return words(tab).replace("\\", "")


# ------------------------------------------------------------------ the steps


@pytest.mark.parametrize("facts", [GuideFacts(target="local"), at_container()], ids=["local", "container"])
def test_the_steps_are_those_of_the_guide_in_its_order(facts):
    assert list(steps(facts)) == STEPS


def test_each_line_for_the_shell_names_the_real_container():
    lines = {key: step.shell for key, step in steps(at_container()).items() if key not in ("release", "wait")}
    assert [key for key, line in lines.items() if "yh" not in line] == []
    since = "--since \"$(docker inspect -f '{{.State.StartedAt}}' yh)\""
    assert lines["count"] == f'docker logs {since} yh 2>&1 | grep -c "Loading LLaVa model"'


def test_what_is_sent_by_hand_goes_to_the_port_that_the_container_publishes():
    published = container("yh", ports={"8000/tcp": ("0.0.0.0", 18000)})
    shell = steps(GuideFacts(target="container:yh", container=published))["release"].shell
    assert "http://127.0.0.1:18000/variants" in shell


def test_the_source_is_looked_for_where_the_module_lies():
    shell = steps(at_container(module="app.model:load"))["source"].shell
    assert shell == 'docker exec yh grep -n -E "Lock|with |is None|def load" app/model.py'


@pytest.mark.parametrize(("exit_code", "tone"), [(0, "good"), (1, "bad"), (3, "doubt"), (None, "doubt")])
def test_the_source_that_was_read_has_the_colour_of_its_audit(exit_code, tone):
    step = steps(at_container(source=ReadSource(ZERO, exit_code, "Read.")))["source"]
    assert step.tone == tone
    assert step.state.endswith(": Read.")


@pytest.mark.parametrize(
    ("counts", "tone"),
    [
        ({"load_started": 1, "load_completed": 1, "workers": 1}, "good"),
        ({"load_started": 2, "load_completed": 2, "workers": 2}, "good"),
        ({"load_started": 2, "load_completed": 2, "workers": 1}, "bad"),
        ({"load_started": 0, "load_completed": 0}, "doubt"),
        ({"load_started": 1, "load_completed": 0}, "doubt"),
        ({"load_started": 1, "load_completed": 0, "meta_tensor_errors": 1}, "bad"),
    ],
)
def test_one_load_for_each_worker_is_good_and_nothing_else(counts, tone):
    assert steps(at_container(log=log_of(**counts)))["count"].tone == tone


@pytest.mark.parametrize(("errors", "tone"), [(0, "good"), (3, "bad")])
def test_a_meta_tensor_error_is_bad(errors, tone):
    facts = at_container(log=log_of(load_started=1, load_completed=1, meta_tensor_errors=errors))
    step = steps(facts)["meta"]
    assert (step.tone, step.state) == (tone, f"Meta tensor errors: {errors}")


def test_the_newer_of_the_log_and_the_run_is_counted():
    run, log = green_run(), log_of(load_started=7, load_completed=7)
    older = replace(log, at=run.created_at - 1)
    newer = replace(log, at=run.created_at + 1)
    assert at_container(record=run, log=older).counts.load_started == 1
    assert at_container(record=run, log=newer).counts.load_started == 7


def test_a_run_under_way_is_told_while_it_goes_on():
    found = steps(GuideFacts(target="local", record=running_run()))
    assert (found["release"].tone, found["wait"].tone) == ("busy", "busy")
    assert found["wait"].state == "Watching the load and the answers"


def test_what_was_expected_stands_beside_what_was_seen():
    rows = result_rows(GuideFacts(target="local", record=red_run()))
    assert rows[1]["Expected"] == "0"
    assert int(rows[1]["Seen"]) > 0


def test_a_red_run_is_given_its_own_cures_and_others_the_whole_list():
    seen = replace(red_run(), settings=RunSettings(target="container:yh"))
    assert cures(at_container(record=seen))[0].code == "lock_not_used"
    assert len(cures(GuideFacts(target="local"))) == 7


def test_a_green_run_has_nothing_to_be_cured():
    assert cures(GuideFacts(target="local", record=green_run())) == ()


def test_the_steps_say_in_korean_what_the_guide_says():
    with speaking("ko"):
        found = steps(at_container(log=log_of(load_started=1, load_completed=1)))
        rows = result_rows(at_container(log=log_of(load_started=1, load_completed=1)))
    assert found["count"].state == "모델 로딩: 시작 1회, 완료 1회"
    assert found["meta"].state == "Meta tensor 오류: 0회"
    assert rows[0]["항목"] == "모델 로딩 완료"


# ------------------------------------------------------------------ the page


def test_the_page_walks_every_step_of_the_target_in_the_address(desk):
    tab = desk("guide", YH, POSTGRES, target="container:yh")
    assert [each.value[:2] for each in tab.header][: len(STEPS)] == [f"{n}." for n in range(1, 9)]
    assert any(each.value.startswith("docker restart yh\n") for each in tab.code)
    assert tab.query_params["target"] in ("container:yh", ["container:yh"])


def test_the_only_container_that_may_be_tested_is_taken(desk):
    assert desk("guide", YH, POSTGRES).selectbox(key=guide_desk.TARGET_KEY).value == "container:yh"


def test_another_target_goes_into_the_address(desk):
    tab = desk("guide", YH, target="container:yh")
    tab.selectbox(key=guide_desk.TARGET_KEY).set_value("local").run()
    assert tab.query_params["target"] in ("local", ["local"])
    assert "sleep 10" in [each.value for each in tab.code]


def test_three_variants_are_released_at_this_machine_by_one_press(desk):
    tab = desk("guide", POSTGRES)
    button(tab, "release-3").click().run()
    assert desk.runner.launched == [(RunSettings(variants_per_job=3), "local")]


def test_a_container_is_restarted_only_when_somebody_is_sure(desk):
    tab = desk("guide", YH, target="container:yh")
    assert "has 4 open connections" in words(tab)
    assert button(tab, "release-5").disabled
    tab.checkbox(key="guide-sure-yh").check().run()
    button(tab, "release-5").click().run()
    assert desk.runner.launched == [(RunSettings(target="container:yh", variants_per_job=5), "local")]


def test_a_container_that_may_only_be_looked_at_is_not_released_at(desk):
    tab = desk("guide", YH, POSTGRES, target="container:postgres")
    assert "may only be looked at" in words(tab)
    assert button(tab, "release-3").disabled


def test_a_release_that_is_refused_says_why(desk):
    tab = desk("guide", POSTGRES)
    desk.runner.refuses = PreflightError("The disk is full. Make room.")
    button(tab, "release-3").click().run()
    assert "The disk is full. Make room." in said(tab)


def test_a_run_that_was_kept_is_counted(desk):
    desk("guide", POSTGRES)
    session.console().store.save(green_run())
    tab = desk("guide", POSTGRES)
    assert "Model loads: 1 begun, 1 completed" in said(tab)
    assert "✓ Green" in said(tab)


def test_a_run_without_the_guard_or_begun_warm_is_not_the_guides(desk):
    desk("guide", POSTGRES)
    later = replace(red_run(), run_id="20991231-000000-ffffff", created_at=green_run().created_at + 9)
    warm = replace(later, run_id="20991231-000001-ffffff", settings=RunSettings(warm=True, control=False))
    for record in (green_run(), later, warm):
        session.console().store.save(record)
    tab = desk("guide", POSTGRES)
    assert "✓ Green" in said(tab)
    assert "there is nothing to cure" in said(tab)


def test_the_page_hands_out_the_loader_and_says_what_it_guarantees(desk):
    tab = desk("guide", POSTGRES)
    assert any("from loader import OnceLoader" in each.value for each in tab.code)
    assert "What it guarantees" in words(tab)
    assert [each.label for each in tab.get("download_button")] == ["The folder loader/ (zip)"]


def test_a_cure_leads_to_the_loader_first(desk):
    assert desk("guide", POSTGRES, about="loader").header[0].value == "Put the loader into your service"
    assert desk("guide", POSTGRES).header[-1].value == "Put the loader into your service"


def no_engine():
    raise EngineError(NO_ENGINE)


def test_without_an_engine_this_machine_can_be_walked_and_the_reason_is_told(desk):
    tab = desk("guide", problem=NO_ENGINE)
    assert NO_ENGINE in words(tab)
    assert not button(tab, "release-3").disabled


def test_a_log_that_cannot_be_judged_says_why_in_its_step(desk, monkeypatch):
    judged = lambda name, home: judge_container_log(name, home, open_engine=no_engine)  # noqa: E731
    monkeypatch.setattr(guide_desk, "judge_container_log", judged)
    tab = desk("guide", YH, target="container:yh")
    button(tab, "judge-count").click().run()
    assert NO_ENGINE in said(tab)


def test_a_source_that_cannot_be_read_says_why_in_its_step(desk):
    tab = desk("guide", YH, target="container:yh")
    tab.text_input(key=guide_desk.MODULE_KEY).set_value("no module").run()
    button(tab, "read").click().run()
    assert "Not read yet." not in words(tab)


def test_a_log_under_settings_that_cannot_be_read_is_not_judged(tmp_path):
    (tmp_path / "targets.toml").write_text("containers = 7\n", "utf-8")
    found = judge_container_log("yh", tmp_path, open_engine=no_engine)
    assert found.judged is None
    assert "targets.toml" in found.problem
