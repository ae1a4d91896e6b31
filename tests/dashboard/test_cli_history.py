"""`history`: runs listed, shown and exported, whole at any width and safe to print."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.evidence import LogLine
from dashboard.store import Store, store_url
from tests.dashboard import sample_records as sample
from tests.dashboard.command_line import ROOT, call


@pytest.fixture
def kept(home: Path) -> Iterator[Store]:
    """A history with three runs: green, red and one of three trials."""
    home.mkdir()
    store = Store.open(store_url(home))
    for number, colours in enumerate((("green",), ("red",), ("green", "inconclusive", "green"))):
        run_id = f"2026112{number}-084512-3f9c1a"
        store.save(sample.run(*colours, run_id=run_id, created_at=sample.START + number))  # type: ignore[arg-type]
    line = LogLine("trial-1", 0, "stderr", sample.START, "\x1b[31mboo\x1b[0m \u202edne")
    store.save_log("20261121-084512-3f9c1a", "trial-1", [line])
    yield store
    store.close()


@pytest.mark.parametrize("arguments", [["history"], ["history", "list"]])
def test_the_list_prints_ids_whole_at_any_width(arguments: list[str], kept: Store) -> None:
    done = call(*arguments, env={"COLUMNS": "20"})
    assert done.returncode == 0
    ids = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert ids == ["20261122-084512-3f9c1a", "20261121-084512-3f9c1a", "20261120-084512-3f9c1a"]


def test_the_list_tells_the_verdict_in_words(kept: Store) -> None:
    lines = call("history", "list").stdout.splitlines()[1:]
    assert [re.findall(r"GREEN|RED|INCONCLUSIVE", line) for line in lines] == [
        ["INCONCLUSIVE"],
        ["RED"],
        ["GREEN"],
    ]


def test_the_list_is_bounded(kept: Store) -> None:
    assert len(call("history", "list", "--limit", "2").stdout.splitlines()) == 3


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_wrong_limit_names_its_flag(limit: str, kept: Store) -> None:
    done = call("history", "list", "--limit", limit)
    assert done.returncode == 2
    assert "--limit" in done.stderr


def test_the_list_as_json_is_one_object(kept: Store) -> None:
    done = call("history", "list", "--json")
    assert [row["verdict"] for row in json.loads(done.stdout)["runs"]] == ["inconclusive", "red", "green"]
    assert done.stderr == ""


def test_an_empty_history_says_how_to_begin(home: Path) -> None:
    done = call("history", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "python -m dashboard run" in done.stderr
    assert json.loads(call("history", "list", "--json").stdout) == {"runs": []}


def test_a_run_is_shown_by_the_beginning_of_its_id_and_exits_with_0(kept: Store) -> None:
    done = call("history", "show", "20261121")
    assert (done.returncode, done.stderr) == (0, "")
    assert "✕ RED" in done.stdout
    assert "Two loads <overlapped> & failed." in done.stdout
    assert "20261121-084512-3f9c1a" in done.stdout


def test_a_shown_run_lists_its_trials(kept: Store) -> None:
    out = call("history", "show", "20261122").stdout
    assert "trial 2 of 3: inconclusive" in out


def test_a_shown_run_as_json_is_the_object_of_run(kept: Store) -> None:
    shown = json.loads(call("history", "show", "20261122", "--json").stdout)
    assert shown["verdict"] == "inconclusive"
    assert [trial["verdict"] for trial in shown["trials"]] == ["green", "inconclusive", "green"]


def test_a_log_is_shown_without_its_control_characters(kept: Store) -> None:
    out = call("history", "show", "20261121", "--log").stdout
    assert "! boo \\u202edne" in out
    assert "\x1b" not in out


def test_a_log_in_json_is_exact(kept: Store) -> None:
    shown = json.loads(call("history", "show", "20261121", "--log", "--json").stdout)
    assert shown["logs"]["trial-1"][0]["text"] == "\x1b[31mboo\x1b[0m \u202edne"


@pytest.mark.parametrize(
    ("run_id", "says"),
    [
        ("nothing", "There is no run 'nothing'"),
        ("2026", "Several runs begin with '2026'"),
        ("", "There is no run ''"),
    ],
)
def test_an_id_that_is_not_one_run_is_usage(run_id: str, says: str, kept: Store) -> None:
    for arguments in (["show", run_id], ["export", run_id, "--to", "x.json"]):
        done = call("history", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("20261120", "20261121", 1), ("20261121", "20261120", 0), ("20261121", "20261122", 3)],
)
def test_the_exit_code_of_a_comparison_tells_a_regression(
    before: str, after: str, code: int, kept: Store
) -> None:
    done = call("history", "compare", before, after, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["regression"]) == (code, code == 1)
    assert found["before"]["run_id"].startswith(before)
    assert "Before    2026112" in done.stderr
    shown = call("history", "compare", before, after)
    assert (shown.returncode, shown.stdout) == (code, done.stderr)


def test_a_comparison_with_a_run_under_way_is_usage(kept: Store) -> None:
    kept.save(replace(sample.run("green", run_id="under-way"), status="running", verdict=None))
    done = call("history", "compare", "under-way", "20261121")
    assert (done.returncode, done.stdout) == (2, "")
    assert "under-way is still under way" in done.stderr


@pytest.mark.parametrize("name", ["run.json", "run.xml", "run.html"])
def test_a_run_is_exported(name: str, kept: Store, tmp_path: Path) -> None:
    done = call("history", "export", "20261121", "--to", str(tmp_path / name))
    assert (done.returncode, done.stdout) == (0, "")
    assert "20261121-084512-3f9c1a" in (tmp_path / name).read_text("utf-8")


def test_an_export_with_an_unknown_ending_is_usage(kept: Store, tmp_path: Path) -> None:
    done = call("history", "export", "20261121", "--to", str(tmp_path / "run.txt"))
    assert done.returncode == 2
    assert ".html, .json, .xml" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(kept: Store) -> None:
    pipe = f'"{sys.executable}" -m dashboard history list | head -n 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", pipe], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_history_marks_runs_whose_console_has_ended(kept: Store, home: Path) -> None:
    code = (
        "import os; from dashboard.store import Store, store_url; from pathlib import Path\n"
        "from dataclasses import replace; from tests.dashboard import sample_records as sample\n"
        "record = replace(sample.run('green', run_id='cut'), status='running', verdict=None, trials=())\n"
        "Store.open(store_url(Path(os.environ['LOADONCE_HOME']))).save(record)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert "(interrupted)" in call("history", "list").stdout
