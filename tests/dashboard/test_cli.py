"""The command line: exit codes, what goes to stdout and what to stderr, and each refusal in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dashboard.command_line import ROOT, call


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from dashboard.cli import main; main(['run', '--help'])\n"
        "heavy = {'streamlit', 'sqlalchemy', 'pandas', 'torch', 'rich', 'pydantic'}\n"
        "print(heavy & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["history", "show", "-h"], ["serve", "-h"]]
)
def test_help_is_no_error(arguments: list[str]) -> None:
    done = call(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: python -m dashboard" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run", "--nonsense"], ["history", "show"]])
def test_what_is_no_command_is_usage(arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--jobs", "0"),
        ("--jobs", "-3"),
        ("--jobs", "1001"),
        ("--jobs", "many"),
        ("--jobs", "1.5"),
        ("--variants-per-job", "0"),
        ("--variants-per-job", "99999999999999999999"),
        ("--variants-per-job", ""),
        ("--repeat", "0"),
        ("--repeat", "-1"),
        ("--repeat", "1e3"),
        ("--timeout", "0"),
        ("--timeout", "-1"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--timeout", "soon"),
        ("--guard", "maybe"),
        ("--target", "container:"),
        ("--target", "container:a b"),
        ("--target", "moon"),
        ("--model", ""),
        ("--model", "  "),
    ],
)
def test_a_wrong_value_names_its_flag_and_starts_nothing(flag: str, value: str, home: Path) -> None:
    done = call("run", flag, value, "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert flag in done.stderr
    assert "Traceback" not in done.stderr
    assert not home.exists()


def test_each_wrong_value_has_its_line(home: Path) -> None:
    done = call("run", "--jobs", "0", "--timeout", "0", "--guard", "off", "--control")
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert [line.split(":")[-2].split()[-1] for line in lines] == ["--jobs", "--timeout", "--control"]


def test_too_many_variants_together_name_a_flag(home: Path) -> None:
    done = call("run", "--jobs", "100", "--variants-per-job", "100")
    assert done.returncode == 2
    assert "--variants-per-job: 100 jobs of 100 variants are 10,000 at once" in done.stderr


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ("run.pdf", "Name a file that ends in .html, .json, .xml"),
        ("missing/run.xml", "does not exist. Make it first"),
        ("/proc/run.html", "cannot be written"),
    ],
)
def test_a_report_that_could_not_be_written_stops_the_run(
    report: str, says: str, home: Path, tmp_path: Path
) -> None:
    done = call("run", "--report", str(tmp_path / report))
    assert done.returncode == 2
    assert says in done.stderr
    assert not home.exists()


def test_a_damaged_history_stops_the_run(home: Path) -> None:
    home.mkdir()
    (home / "history.db").write_text("a letter, no database" * 100)
    done = call("run", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "history.db is damaged or no history" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_data_folder_that_cannot_be_made_stops_the_run(tmp_path: Path, home: Path) -> None:
    (tmp_path / "file").write_text("")
    done = call("run", env={"LOADONCE_HOME": str(tmp_path / "file" / "home")})
    assert done.returncode == 2
    assert "Set LOADONCE_HOME to a folder that you can write to" in done.stderr


def test_a_database_url_that_is_not_understood_stops_the_run(home: Path) -> None:
    done = call("run", env={"LOADONCE_DATABASE_URL": "nonsense"})
    assert done.returncode == 2
    assert "LOADONCE_DATABASE_URL" in done.stderr


def test_a_model_folder_that_is_missing_names_the_flag(home: Path, tmp_path: Path) -> None:
    done = call("run", "--model", str(tmp_path / "no-such-model"), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--model: " in done.stderr
    assert "no-such-model" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unforeseen_error_is_a_sentence_and_the_traceback_is_for_who_asks(tmp_path: Path) -> None:
    code = (
        "import sys, click; from dashboard import cli\n"
        "@cli.cli.command()\n"
        "def boom(): raise RuntimeError('the moon fell down')\n"
        "sys.exit(cli.main(['boom']))"
    )
    for debug, shown in (("", False), ("1", True)):
        environment = os.environ | {"LOADONCE_DEBUG": debug}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert ("Traceback" in done.stderr) is shown
        assert ("LOADONCE_DEBUG=1" in done.stderr) is not shown
