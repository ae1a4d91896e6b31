"""Watches of a console over a real engine: restarts, containers that go and come, an engine that is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from dashboard.store import Store
from dashboard.vigil import Alarm
from dashboard.watch_desk import WatchDesk
from dashboard.watching import WatchView
from tests.engine.command_line import SLEEP
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until
from tests.engine.test_watch import ONCE, START

WAIT_S = 60


@pytest.fixture
def alarms() -> list[Alarm]:
    return []


@pytest.fixture
def watched(
    private: PrivateEngine, alarms: list[Alarm], tmp_path: Path
) -> Iterator[Callable[[str], Callable[[], WatchView]]]:
    """Begins to watch a container, and returns what tells how that watch fares."""
    desk = WatchDesk(
        tmp_path,
        open_engine=lambda: Engine.open(private.environment()),
        alarmed=alarms.append,
        look_s=0.2,
    )
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")

    def begin(name: str) -> Callable[[], WatchView]:
        assert desk.begin(name, profile=None, expected_workers=1, store=store, actor="test") == ""
        return lambda: desk.view().watches[0]

    yield begin
    desk.close()
    store.close()


Watch = Callable[[str], Callable[[], WatchView]]


def loads(view: WatchView) -> list[tuple[int, bool]]:
    return [(worker.starts, worker.wrong) for worker in view.workers]


def test_a_restart_begins_a_new_life_and_alarms_nobody(
    containers: Containers, watched: Watch, alarms: list[Alarm]
) -> None:
    container = containers.python(ONCE + SLEEP)
    view = watched(container.name)
    until(lambda: loads(view()) == [(1, False)], WAIT_S)
    began = view().began
    containers.private.client("restart", container.name)
    until(lambda: (view().restarts, loads(view())) == (1, [(1, False)]), WAIT_S)
    until(lambda: view().began not in (None, began), WAIT_S)
    assert alarms == []


def test_a_container_that_goes_is_told_and_one_of_its_name_is_followed(
    containers: Containers, watched: Watch, alarms: list[Alarm]
) -> None:
    container = containers.python(ONCE + SLEEP)
    view = watched(container.name)
    until(lambda: loads(view()) == [(1, False)], WAIT_S)
    containers.private.client("rm", "-f", container.name)
    until(lambda: view().state == "gone", WAIT_S)
    containers.python(f"{ONCE}; {START}" + SLEEP, name=container.name)  # compose makes a new one so
    until(lambda: loads(view()) == [(2, True)], WAIT_S)
    assert [(alarm.source, alarm.code) for alarm in alarms] == [(container.name, "loaded_twice")]


def test_an_engine_that_goes_away_is_told_and_what_was_written_meanwhile_is_read(
    containers: Containers, private: PrivateEngine, watched: Watch, alarms: list[Alarm]
) -> None:
    container = containers.python(f"{ONCE}; import time; time.sleep(3); {START}" + SLEEP)
    view = watched(container.name)
    until(lambda: loads(view()) == [(1, False)], WAIT_S)
    private.crash()
    try:
        until(lambda: view().state == "away", WAIT_S)
    finally:
        private.revive()
    until(lambda: loads(view()) == [(2, True)], WAIT_S)
    assert [alarm.code for alarm in alarms] == ["loaded_twice"]
