"""`logs --follow`: what it says of containers and engines that have gone."""

from __future__ import annotations

import pytest

from dashboard.commands.following import _Troubles
from dashboard.engine.follower import Following

FOLLOWING = Following("following", "Following one.")
AWAY = Following("away", "No Docker engine answers.")
GONE = Following("gone", "There is no container two any more.")


@pytest.mark.parametrize("trouble", [AWAY, GONE])
def test_what_stands_in_the_way_is_told_once(capsys: pytest.CaptureFixture[str], trouble: Following) -> None:
    state = _Troubles()
    assert [state.all_gone([FOLLOWING, trouble]) for _ in range(3)] == ["", "", ""]
    assert capsys.readouterr().err == f"{trouble.text}\n"


def test_an_engine_that_goes_away_again_is_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    state = _Troubles()
    for now in (AWAY, FOLLOWING, AWAY):
        state.all_gone([now])
    assert capsys.readouterr().err.count(AWAY.text) == 2


def test_a_container_that_is_being_made_anew_is_waited_for() -> None:
    assert _Troubles().all_gone([GONE]) == ""
