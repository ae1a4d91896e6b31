"""Watches of a console: kept over its restart, by one console at a time; hindered ones say why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.faults import ContainerGone, EngineError
from dashboard.store import Store
from dashboard.watch_desk import WatchDesk, WatchesView
from dashboard.watch_file import Kept, KeptAlarm, Watched, WatchFile, WatchFileError
from dashboard.watching import same
from tests.dashboard.targets.processes import until

NO_ENGINE = "No Docker engine answers at unix:///var/run/docker.sock. Start Docker."
NOT_SHOWN = "The container {} is not shown here."
ALARM = KeptAlarm(1000.0, "yh", "loaded_twice", "The model was loaded 2 times in yh.", True, 900.0)


def no_engine() -> Engine:
    raise EngineError(NO_ENGINE)


Open = Callable[..., WatchDesk]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Open]:
    """Opens desks over one data folder; each is closed in the end."""
    opened: list[WatchDesk] = []

    def make(**options: Any) -> WatchDesk:
        opened.append(WatchDesk(tmp_path, **{"open_engine": no_engine, "look_s": 0.01} | options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def begin(desk: WatchDesk, store: Store, container: str = "yh", **options: Any) -> str:
    given = {"profile": None, "expected_workers": 1, "actor": "kim"} | options
    return desk.begin(container, store=store, **given)


def states(view: WatchesView) -> dict[str, str]:
    return {each.watched.container: each.state for each in view.watches}


def test_a_watch_is_kept_over_a_restart_of_the_console_with_who_began_it(desk: Open, store: Store) -> None:
    first = desk()
    assert begin(first, store, expected_workers=2, profile="feedlyai") == ""
    first.close()
    again = desk()
    assert again.view().watches == ()
    again.resume()
    (view,) = again.view().watches
    watched = view.watched
    assert (watched.container, watched.expected_workers, watched.actor) == ("yh", 2, "kim")
    assert watched.profile == "feedlyai"


def test_what_was_ended_does_not_come_back_and_both_are_on_record(desk: Open, store: Store) -> None:
    first = desk()
    begin(first, store)
    first.stop("yh", store=store, actor="lee")
    first.stop("yh", store=store, actor="lee")
    first.close()
    again = desk()
    again.resume()
    assert again.view().watches == ()
    kept = [(each.actor, each.action, each.target, each.outcome) for each in store.actions()]
    assert kept == [("lee", "watch", "yh", "ended"), ("kim", "watch", "yh", "begun")]


def test_without_an_engine_it_says_so_and_tries_again(desk: Open, store: Store) -> None:
    tries: list[int] = []

    def open_engine() -> Engine:
        tries.append(1)
        raise EngineError(NO_ENGINE)

    opened = desk(open_engine=open_engine)
    begin(opened, store)
    until(lambda: len(tries) > 2)
    until(lambda: states(opened.view()) == {"yh": "away"})
    assert opened.view().watches[0].text == NO_ENGINE


def test_a_container_that_is_gone_and_one_that_is_hidden_say_so(desk: Open, store: Store) -> None:
    class Empty:
        def container(self, name: str) -> None:
            raise ContainerGone(f"There is no container {name}.")

        def close(self) -> None:
            pass

    hidden: set[str] = set()
    opened = desk(open_engine=Empty, sight=lambda: lambda name: NOT_SHOWN.format(name) * (name in hidden))
    begin(opened, store, "yh")
    begin(opened, store, "db")
    until(lambda: states(opened.view()) == {"yh": "gone", "db": "gone"})
    hidden.add("db")
    until(lambda: states(opened.view()) == {"yh": "gone", "db": "hidden"})


def test_what_may_not_be_seen_is_not_watched(desk: Open, store: Store) -> None:
    opened = desk(sight=lambda: NOT_SHOWN.format)
    assert begin(opened, store) == "The container yh is not shown here."
    assert opened.view().watches == ()


def test_a_profile_that_is_no_more_is_named(desk: Open, store: Store) -> None:
    class Engine:
        def container(self, name: str) -> str:
            return name

        def close(self) -> None:
            pass

    opened = desk(open_engine=Engine)
    begin(opened, store, profile="gone")
    until(lambda: states(opened.view()) == {"yh": "away"})
    assert opened.view().watches[0].text.startswith("There is no log profile 'gone'")


def test_the_same_container_is_watched_once(desk: Open, store: Store) -> None:
    opened = desk()
    begin(opened, store)
    assert begin(opened, store) == "yh is watched already."


def test_there_is_an_end_to_how_many_are_watched(
    desk: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.watch_desk.MOST_WATCHES", 1)
    opened = desk()
    begin(opened, store)
    assert begin(opened, store, "db").startswith("1 containers are watched, and no more can be.")


def test_a_closed_desk_takes_no_watch(desk: Open, store: Store) -> None:
    opened = desk()
    opened.close()
    assert begin(opened, store) == "The console is closing."


def test_a_second_console_with_the_same_folder_says_who_keeps_them(desk: Open, store: Store) -> None:
    first, second = desk(), desk()
    begin(first, store)
    second.resume()
    assert "Another console with the data folder" in second.view().problem
    assert begin(second, store, "db") == second.view().problem
    first.close()
    assert begin(second, store, "db") == ""
    assert set(states(second.view())) == {"yh", "db"}
    assert second.view().problem == ""


def test_without_a_data_folder_they_end_with_the_console(store: Store) -> None:
    bare = WatchDesk(open_engine=no_engine)
    assert begin(bare, store) == ""
    assert not bare.view().kept
    bare.close()


# -- the file -----------------------------------------------------------------------------------------------


def test_a_file_that_is_none_of_ours_is_left_as_it_is(desk: Open, store: Store, tmp_path: Path) -> None:
    (tmp_path / "watches.json").write_text('{"watches": 7}')
    opened = desk()
    opened.resume()
    assert "watches.json holds no watches that this version knows. Move it away" in opened.view().problem
    assert begin(opened, store) == opened.view().problem
    assert (tmp_path / "watches.json").read_text() == '{"watches": 7}'


def test_what_cannot_be_written_is_told_and_watched_all_the_same(
    desk: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert begin(opened, store) == ""
    assert "watches.json cannot be written (No space left on device)" in opened.view().problem
    assert set(states(opened.view())) == {"yh"}


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    kept = Kept((Watched("yh", None, 1, "kim", 1000.5),), (ALARM,))
    file = WatchFile(tmp_path)
    file.write(kept)
    assert file.read() == kept
    assert json.loads(file.path.read_text())["alarms"][0]["code"] == "loaded_twice"
    assert [each.name for each in tmp_path.iterdir()] == ["watches.json"]


def test_a_folder_that_takes_no_file_is_named() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no folder here that refuses root too")
    with pytest.raises(WatchFileError, match=r"cannot be (kept|written)"):
        WatchFile(Path("/proc/self")).write(Kept())


@pytest.mark.parametrize(
    ("other", "told_before"),
    [
        ({}, True),
        ({"time": 1234.0, "life": 901.0}, True),
        ({"life": 950.0}, False),
        ({"code": "meta_tensor_error"}, False),
        ({"container": "db"}, False),
    ],
)
def test_one_kind_of_fact_is_told_once_for_each_life(other: dict[str, Any], told_before: bool) -> None:
    assert same(ALARM, replace(ALARM, **other)) is told_before
