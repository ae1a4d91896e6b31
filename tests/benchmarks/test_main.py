"""The command line of the benchmarks: a choice, a table, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import large_checkpoint


def test_one_can_be_chosen_and_is_shown_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["import-time", "--rounds", "1"]) == 0
    shown = capsys.readouterr().out
    assert "import-time: Importing the loader" in shown
    assert "≤ 50 ms" in shown
    assert "ready-path" not in shown


def test_the_figures_are_written_as_json_with_the_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["import-time", "--rounds", "1", "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert found["machine"]["processors"] >= 1
    rows = found["reports"][0]["rows"]
    assert {"what", "value", "unit", "peer", "ratio", "target", "standing"} <= set(rows[0])


def test_an_unknown_name_is_a_usage_error_that_lists_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["warm-load"])
    assert ended.value.code == 2
    assert "there is no benchmark 'warm-load'; there are import-time, ready-path" in capsys.readouterr().err


def test_no_rounds_at_all_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["import-time", "--rounds", "0"])
    assert "--rounds is 0; at least one is needed" in capsys.readouterr().err


def test_a_shape_that_has_no_room_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(large_checkpoint, "available_memory", lambda: 1_000_000_000)
    assert command.main(["import-time", "cold-load", "--model-shape", "7b"]) == 1
    captured = capsys.readouterr()
    assert "7b checkpoint as auto takes 17.0 GB" in captured.err
    assert captured.out == ""
