"""`audit` as a user calls it: exit codes, sentences, what goes where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from dashboard.cli import main

SERVICES: Final = Path(__file__).resolve().parents[2] / "services"


def test_a_certain_finding_is_exit_code_1_with_its_line_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    path = SERVICES / "lock_per_call.py"
    assert main(["audit", "--path", str(path)]) == 1
    told = capsys.readouterr().out
    assert f"{path}:11  certain  [lock-per-call]" in told
    assert "11 | with threading.Lock():" in told
    assert "Make one lock at module level" in " ".join(told.split())


def test_doubts_alone_are_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--path", str(SERVICES / "some_errors.py")]) == 3
    assert ":13  doubt    [unknown]" in capsys.readouterr().out


def test_without_findings_it_is_exit_code_0_and_says_what_was_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["audit", "--path", str(SERVICES / "double_checked.py")]) == 0
    assert "Nothing is wrong with get_model" in capsys.readouterr().out


def test_json_is_one_object_and_the_prose_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    main(["audit", "--path", str(SERVICES / "no_lock.py"), "--callable", "get_model", "--json"])
    out, err = capsys.readouterr()
    (finding,) = json.loads(out)["findings"]
    assert set(finding) == {"code", "line", "certain", "text"}
    assert (finding["code"], finding["line"], finding["certain"]) == ("no-lock", 14, True)
    assert "certain" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name one place"),
        (["--path", "a.py", "--container", "b", "--module", "c"], "Name one place"),
        (["--container", "b"], "--container and --module belong together"),
        (["--path", "a.py", "--module", "c"], "--container and --module belong together"),
        (["--path", "nowhere.py"], "--path nowhere.py cannot be read (No such file or directory)"),
        (["--path", "."], "--path . is a folder"),
        (["--path", str(SERVICES / "no_lock.py"), "--callable", "nothing"], "has no nothing at module level"),
        (["--path", str(SERVICES / "not_a_function.py"), "--callable", "get_model"], "cannot be called"),
    ],
)
def test_what_cannot_be_audited_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["audit", *arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    assert (out, sentence in err) == ("", True), err


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"def get(:\n", "broken.py, line 1: this is no Python"),
        (b'print "loading"\n', "It looks like Python 2"),
        (b"x = 1\n\0", "broken.py"),
        (b"# coding: no-such-one\n", "broken.py"),
        (b"x = '\xff'\n", "broken.py"),
        (b"x = " + b"(" * 5000 + b")" * 5000, "broken.py"),
    ],
    ids=["syntax", "Python 2", "a null byte", "an unknown encoding", "no UTF-8", "too deep"],
)
def test_a_source_that_is_no_python_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: bytes, sentence: str
) -> None:
    path = tmp_path / "broken.py"
    path.write_bytes(source)
    assert main(["audit", "--path", str(path)]) == 2
    assert sentence in capsys.readouterr().err


def test_without_an_engine_a_container_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setenv("LOADONCE_HOME", str(tmp_path))
    assert main(["audit", "--container", "yh", "--module", "service"]) == 4
    assert "No Docker engine answers" in capsys.readouterr().err


def test_broken_settings_hide_nobody_knows_what(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "targets.toml").write_text("[containers\n")
    monkeypatch.setenv("LOADONCE_HOME", str(tmp_path))
    assert main(["audit", "--container", "yh", "--module", "service"]) == 2
    assert "line 1" in capsys.readouterr().err
