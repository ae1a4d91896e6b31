"""What `run` says last when the history does not hold the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.commands import run as command
from dashboard.commands.stopping import Stop
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.store import Store
from tests.dashboard import sample_records as sample

UNKEPT = "The history does not hold this result. The disk that holds the run history is full."


@pytest.fixture
def unkept() -> RunRecord:
    return replace(sample.run("green"), unkept=UNKEPT, warnings=(UNKEPT,))


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_a_result_that_is_kept_is_shown_by_the_history(capsys: pytest.CaptureFixture[str]) -> None:
    record = sample.run("green")
    assert command._tell(record, None, as_json=False) == 0
    assert last_line(capsys).endswith(f"history show {record.run_id}")


def test_a_result_that_is_not_kept_says_so_and_how_to_keep_one(
    unkept: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command._tell(unkept, None, as_json=False) == 0
    assert "The history does not hold this result. To keep one, launch it again with --report" in last_line(
        capsys
    )


def test_a_result_that_only_the_report_holds_says_so(
    unkept: RunRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "run.json"
    command._tell(unkept, report, as_json=False)
    assert last_line(capsys).endswith(f"the report {report} does. Keep that.")


def test_a_report_that_could_not_be_written_is_not_said_to_hold_it(
    unkept: RunRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command._tell(unkept, tmp_path / "nowhere" / "run.json", as_json=False)
    assert "To keep one, launch it again" in last_line(capsys)


class LateRunner:
    """A runner that can keep its run only when it is closed: by then there is room again."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    def launch(self, settings: RunSettings, *, actor: str) -> str:
        return self._record.run_id

    def version(self, run_id: str) -> int:
        return 1

    def record(self, run_id: str) -> RunRecord:
        return self._record

    def wait(self, run_id: str, timeout: float | None = None) -> RunRecord:
        return self._record

    def rings(self, run_id: str) -> Mapping[str, object]:
        return {}

    def close(self) -> None:
        self._record = replace(self._record, unkept=None, warnings=())


def test_a_result_that_was_kept_at_the_close_is_told_as_kept(
    unkept: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.runs.open_runner", lambda store, home, target, on_end: LateRunner(unkept))
    store = Store.open(f"sqlite:///{tmp_path / 'history.db'}")
    with Stop() as stop:
        record = command._make(RunSettings(), store, tmp_path, stop)
    store.close()
    assert record.unkept is None
