"""What the journal of a console that has ended still says of its runs, whoever marked them first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard import journal, kept_logs
from dashboard.alert_desk import take_interrupted
from dashboard.cut_runs import mark_interrupted
from dashboard.journal import Journal
from dashboard.logs import LogRing
from dashboard.owner import this_process
from dashboard.record import RunRecord
from dashboard.store import Store
from dashboard.thinning import in_short
from tests.dashboard import sample_records as sample

WHOLE = sample.run("green", "green")
BEGUN = replace(
    WHOLE, status="running", verdict=None, finished_at=None, step="settle", trials=(), control=None
)
UNDER_WAY = replace(BEGUN, trials=(replace(WHOLE.trials[0], ended_at=None, verdict=None),))
GONE = this_process().rpartition(":")[0] + ":1"  # this process's number, of another time


@pytest.fixture
def ring() -> LogRing:
    made = LogRing("trial-1")
    made.append("stdout", 1.0, ["one", "two", "three"])
    return made


@pytest.fixture
def cut(store: Store, ring: LogRing, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """The journal of a run whose console has ended; the history holds its begin alone."""
    monkeypatch.setattr(journal, "this_process", lambda: GONE)
    store._owner = GONE
    store.save(BEGUN)
    assert store.journals is not None
    return store.journals.begin(BEGUN, lambda: {"trial-1": ring})


def kept(store: Store) -> RunRecord:
    record = store.load(BEGUN.run_id)
    assert record is not None
    return record


def texts(store: Store) -> list[str]:
    return [line.text for line in store.log(BEGUN.run_id, "trial-1")]


def journals(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "journals").iterdir()]


def test_what_was_shown_is_kept_behind_what_the_history_had(
    store: Store, cut: Journal, ring: LogRing, tmp_path: Path
) -> None:
    cut.show(lambda: UNDER_WAY)
    cut.show_lines(ring, 3)
    store.add_log(BEGUN.run_id, "trial-1", ring.read(0, 2).lines)
    assert mark_interrupted(store) == (BEGUN.run_id,)
    assert (kept(store).status, kept(store).trials) == ("interrupted", UNDER_WAY.trials)
    assert texts(store) == ["one", "two", "three"]  # none twice
    assert journals(tmp_path) == []


def test_a_run_that_had_come_to_its_end_is_not_interrupted(store: Store, cut: Journal) -> None:
    """Its last word was shown, and the history had refused it: a full disk, a lock."""
    cut.show(lambda: UNDER_WAY)
    cut.show(lambda: WHOLE)
    assert take_interrupted(store) == ()  # nobody alerts
    assert kept(store) == WHOLE
    assert [row.status for row in store.list()] == ["finished"]


def test_a_console_of_another_host_that_marked_it_first_loses_nothing(
    store: Store, cut: Journal, ring: LogRing, tmp_path: Path
) -> None:
    cut.show(lambda: UNDER_WAY)
    store_journals, store.journals = store.journals, None
    assert mark_interrupted(store) == (BEGUN.run_id,)
    assert (kept(store).status, kept(store).trials) == ("interrupted", ())
    store.journals = store_journals
    assert mark_interrupted(store) == ()  # it was taken: nobody alerts again
    assert (kept(store).status, kept(store).trials) == ("interrupted", UNDER_WAY.trials)
    assert kept(store).verdict is not None
    assert texts(store) == ["one", "two", "three"]
    assert journals(tmp_path) == []


def test_the_log_of_a_trial_that_is_kept_in_short_does_not_come_back(
    store: Store, cut: Journal, ring: LogRing
) -> None:
    cut.show(lambda: UNDER_WAY)
    cut.show_lines(ring, 3)
    cut.show(lambda: replace(BEGUN, trials=(in_short(WHOLE.trials[0]),)))
    mark_interrupted(store)
    assert kept(store).trials[0].in_short
    assert store.sources(BEGUN.run_id) == ()


def test_a_log_that_is_damaged_keeps_no_run_from_being_marked(
    store: Store, cut: Journal, ring: LogRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> int:
        raise ValueError("no Parquet")

    cut.show_lines(ring, 3)
    monkeypatch.setattr(kept_logs, "newest_line", damaged)
    assert mark_interrupted(store) == (BEGUN.run_id,)


def test_journals_of_runs_that_are_over_or_gone_are_cleared_up_and_others_are_not(
    store: Store, cut: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert store.journals is not None
    store.save(WHOLE)  # it was killed between this and the deletion of its journal
    store.journals.begin(replace(BEGUN, run_id="20261123-000000-deleted"), dict)
    (tmp_path / "journals" / "20261123-000001-torn.journal").write_bytes(b'{"run_id":')
    monkeypatch.setattr(journal, "this_process", this_process)
    store.journals.begin(replace(BEGUN, run_id="20261123-000002-alive"), dict)
    monkeypatch.setattr(store.journals, "_history", "other.db")
    store.journals.begin(replace(BEGUN, run_id="20261123-000003-others"), dict)
    monkeypatch.setattr(store.journals, "_history", "history.db")
    assert mark_interrupted(store) == ()
    assert kept(store) == WHOLE
    assert sorted(journals(tmp_path)) == [
        "20261123-000002-alive.journal", "20261123-000003-others.journal"
    ]  # fmt: skip
