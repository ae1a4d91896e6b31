"""A run that got nowhere: what the record, the terminal and the Run page make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.commands import OutOfReach
from dashboard.commands import run as command
from dashboard.evidence import Verdict
from dashboard.live_access import LiveTokens
from dashboard.phases import board_view
from dashboard.record import RunRecord, from_json, to_json
from dashboard.settings import RunSettings
from dashboard.store import Store
from dashboard.wording import headline
from tests.dashboard import sample_records as sample
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf

WHY = "Nothing can be reached at 10.1.2.3:5000 (Connection refused), where the variants should go."


def unreached(*trials: str | None, verdict: str = "inconclusive") -> RunRecord:
    """A run whose trials ended like this, for `None` with the target in reach."""
    made = tuple(replace(sample.trial(n, "inconclusive"), unreached=why) for n, why in enumerate(trials, 1))
    record = sample.run("inconclusive")
    assert isinstance(record.verdict, Verdict)
    return replace(record, status="failed", trials=made, verdict=replace(record.verdict, verdict=verdict))


def test_the_command_line_ends_with_that_sentence_and_exit_code_4(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(OutOfReach) as told:
        command._tell(unreached(WHY), None, as_json=True)
    assert (told.value.exit_code, told.value.message) == (4, WHY)
    assert json.loads(capsys.readouterr().out)["verdict"] == "inconclusive"


@pytest.mark.parametrize("trials", [(None,), (None, WHY), ()], ids=["in reach", "lost later", "no trial"])
def test_a_target_that_was_reached_once_is_not_out_of_reach(trials: tuple[str | None, ...]) -> None:
    assert unreached(*trials).unreached is None


def test_a_red_fact_is_told_though_the_trigger_got_nowhere() -> None:
    assert command._tell(unreached(WHY, verdict="red"), None, as_json=False) == 1


def test_the_record_keeps_it() -> None:
    assert from_json(to_json(unreached(WHY))).unreached == WHY


def test_the_board_shows_the_run_ended_with_that_headline() -> None:
    record = unreached(WHY)
    board = board_view(record)
    assert board["running"] is False
    assert board["banner"]["headline"] == headline(record, record.verdict) == "The target is out of reach"
    assert board["banner"]["lead"] == WHY
    assert board["findings"] == []


def test_the_page_says_it_and_offers_what_is_next(store: Store) -> None:
    record = replace(unreached(WHY), settings=RunSettings(target="container:yh"))
    reason = replace(record.verdict.reasons[0], text=f"The trial was cut short: {WHY}")  # type: ignore[union-attr]
    record = replace(record, verdict=replace(record.verdict, reasons=(reason,)))  # type: ignore[arg-type]
    before = session.install(
        session.Console(RecordedRunner(record), store, LiveTokens(), containers=RecordedShelf())  # type: ignore[arg-type,no-untyped-call]
    )
    try:
        frame = Path(__file__).parents[2] / "dashboard" / "frame.py"
        tab = AppTest.from_file(str(frame), default_timeout=20).run()
        tab.switch_page("app_pages/run.py")
        tab.query_params["run"] = record.run_id
        tab.run()
    finally:
        session.install(before)
    assert not tab.exception
    board = next(one.proto for one in tab.get("bidi_component") if "run_board" in one.proto.component_name)
    shown = json.loads(board.json)
    assert WHY in json.dumps(shown)
    assert "The target is out of reach" in json.dumps(shown)
