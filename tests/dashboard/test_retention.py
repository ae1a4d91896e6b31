"""How long runs are kept, and how much of them; and that the disk has its space back."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.curation import tag_runs
from dashboard.retention import Retention, RetentionError, prune, retention, surplus
from dashboard.store import Store
from dashboard.upkeep import Upkeep
from tests.dashboard import sample_records as sample
from tests.dashboard.older_histories import make_older

DAY = 86_400.0
NOW = sample.START + 10 * DAY


def large(number: int) -> object:
    trial = sample.trial(1, variants=300)
    created = sample.START + number * DAY
    return replace(sample.run("green", run_id=f"run-{number}", created_at=created), trials=(trial,))


@pytest.fixture
def kept(store: Store) -> Store:
    """Ten runs of ten days, some 0.08 MB each; the second has a tag, the fourth is under way."""
    for number in range(10):
        store.save(large(number))  # type: ignore[arg-type]  # a record
    tag_runs(store, ["run-1"], add=["gate"], actor="ann")
    store.save(replace(large(3), status="running", verdict=None))  # type: ignore[type-var]  # a record
    return store


def test_without_a_limit_every_run_stays(kept: Store) -> None:
    assert surplus(kept.list(limit=None), retention({}), NOW) == ()


def test_old_runs_go_but_not_those_with_a_tag_nor_one_under_way(kept: Store) -> None:
    gone = prune(kept, Retention(days=5.5), NOW)
    assert [each.run.run_id for each in gone] == ["run-0", "run-2", "run-4"]
    assert {each.why for each in gone} == {"older than 5.5 days"}
    assert {run.run_id for run in kept.list()} == {f"run-{n}" for n in (1, 3, 5, 6, 7, 8, 9)}


def test_of_too_much_the_oldest_go_until_it_fits(kept: Store) -> None:
    size = kept.list()[0].size_bytes
    gone = prune(kept, Retention(megabytes=size * 6.5 / 1e6), NOW)
    assert [each.run.run_id for each in gone] == ["run-0", "run-2", "run-4", "run-5"]
    assert sum(run.size_bytes for run in kept.list()) <= size * 6.5


def test_what_went_is_recorded_with_the_reason(kept: Store) -> None:
    prune(kept, Retention(days=9.5), NOW)
    (did,) = (did for did in kept.actions() if did.action == "delete")
    assert (did.actor, did.outcome, did.run_id) == ("retention", "older than 9.5 days", "run-0")


def test_the_disk_has_its_space_back(kept: Store, tmp_path: Path) -> None:
    before = (tmp_path / "history.db").stat().st_size
    kept.give_back_space()
    full = (tmp_path / "history.db").stat().st_size
    prune(kept, Retention(days=1.5), NOW)
    after = (tmp_path / "history.db").stat().st_size
    assert before > 0
    assert after < full * 0.5
    assert (tmp_path / "history.db-wal").stat().st_size == 0


def test_a_history_from_before_gives_its_space_back_too(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    make_older(f"sqlite:///{file}", 3, [large(number) for number in range(10)])  # type: ignore[misc]  # records
    store = Store.open(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    store.give_back_space()
    full = file.stat().st_size
    prune(store, Retention(days=1.5), NOW)
    assert file.stat().st_size < full * 0.5
    assert store.count() == 1
    store.close()


@pytest.mark.parametrize("text", ["abc", "0", "-1", "nan", "inf", "7 days"])
@pytest.mark.parametrize("name", ["LOADONCE_KEEP_DAYS", "LOADONCE_KEEP_MB"])
def test_a_limit_that_is_no_number_is_one_sentence(name: str, text: str) -> None:
    with pytest.raises(
        RetentionError, match=rf"{name} must be a number of \w+ above 0, such as 30; '{text}'"
    ):
        retention({name: text})


def test_limits_are_read_from_the_environment() -> None:
    assert retention({"LOADONCE_KEEP_DAYS": " 2.5 ", "LOADONCE_KEEP_MB": ""}) == Retention(days=2.5)


# -- in the background of a console ----------------------------------------------------------------------


def test_a_console_deletes_what_is_too_old_and_asks_for_runs_that_were_cut(kept: Store) -> None:
    asked = threading.Event()
    upkeep = Upkeep(kept, Retention(days=1.5), asked.set, every_s=0.01, clock=lambda: NOW)
    assert asked.wait(60)
    upkeep.close()
    upkeep.close()
    assert {run.run_id for run in kept.list()} == {"run-1", "run-3", "run-9"}


def test_of_two_consoles_one_deletes(kept: Store) -> None:
    assert kept.claim("retention", every_s=600)
    assert not kept.claim("retention", every_s=600)
    rounds: list[int] = []
    looked = threading.Event()

    def look() -> None:
        rounds.append(1)
        if len(rounds) == 3:
            looked.set()

    upkeep = Upkeep(kept, Retention(days=0.001), look, every_s=0.01, clock=lambda: NOW)
    assert looked.wait(60)
    upkeep.close()
    assert kept.count() == 10


def test_a_history_that_fails_ends_no_upkeep(kept: Store) -> None:
    looked = threading.Event()
    kept.close()
    upkeep = Upkeep(kept, Retention(days=1), looked.set, every_s=0.01)
    assert looked.wait(60)
    upkeep.close()
