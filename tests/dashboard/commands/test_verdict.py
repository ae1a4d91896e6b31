"""`verdict` on files and standard input, as a user calls it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
CORPUS = ROOT / "tests" / "corpus"
TRUTH = tomllib.loads((CORPUS / "truth.toml").read_text("utf-8"))
CODES = {"green": 0, "red": 1, "inconclusive": 3}


OWN = """
[profiles.whisper]
started = ['loading whisper (?P<model>large|medium)']
completed = ['whisper ready']
"""


def call(*arguments: str, given: bytes = b"", home: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", "verdict", *arguments],
        cwd=ROOT,
        input=given,
        env=None if home is None else os.environ | {"LOADONCE_HOME": str(home)},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["guide-one-load", "guide-crash-after-one-start", "guide-already-warm"])
def test_the_exit_code_is_the_verdict(name: str) -> None:
    done = call("--file", str(CORPUS / f"{name}.log"))
    assert (done.returncode, done.stdout) == (CODES[TRUTH[name]["verdict"]], b"")


def test_json_stands_alone_on_standard_output() -> None:
    done = call("--file", str(CORPUS / "guide-one-load.log"), "--json")
    told = json.loads(done.stdout)
    assert (told["verdict"], told["counts"]["load_started"], told["counts"]["unique_models"]) == (
        "green",
        1,
        None,
    )


def test_a_dash_reads_standard_input() -> None:
    log = (CORPUS / "guide-two-starts-on-one-line.log").read_bytes()
    assert call("--file", "-", given=log).returncode == 1


def test_bytes_that_are_no_text_are_no_error() -> None:
    assert call("--file", "-", given=bytes(range(256)) * 1000).returncode == 3


def test_more_starts_than_workers_is_red_and_as_many_is_in_doubt() -> None:
    log = b"Loading LLaVa model: x on cpu\nLLaVa model loaded successfully on cpu\n"
    assert call("--file", "-", "--expected-workers", "2", given=log * 2).returncode == 3
    assert call("--file", "-", "--expected-workers", "2", given=log * 3).returncode == 1


@pytest.mark.parametrize(
    ("loads", "expected"),
    [(["large"], 0), (["large", "large"], 1), (["large", "medium"], 0)],
    ids=["one load", "one model twice", "two models"],
)
def test_a_profile_of_the_user_judges_a_log(loads: list[str], expected: int, tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text(OWN, "utf-8")
    log = "".join(f"Loading Whisper {model}\nnoise\nWhisper ready\n" for model in loads).encode()
    assert call("--file", "-", "--profile", "whisper", given=log, home=tmp_path).returncode == expected


def test_an_unknown_profile_is_told_with_the_known_ones_the_users_too(tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text(OWN, "utf-8")
    done = call("--file", "-", "--profile", "wisper", home=tmp_path)
    assert done.returncode == 2
    known = b"loadonce, feedlyai, vllm, sentence-transformers, transformers, whisper"
    assert known in done.stderr.replace(b"\n", b" ")


def test_a_profile_in_settings_that_are_wrong_is_told_with_the_fault(tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text(OWN.replace("whisper ready", "(whisper"), "utf-8")
    done = call("--file", "-", "--profile", "whisper", home=tmp_path)
    assert done.returncode == 2
    assert b"line 4: [profiles.whisper] completed (number 1) is no expression" in done.stderr


def test_settings_that_are_wrong_do_not_matter_to_whoever_names_no_profile_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text("[", "utf-8")
    log = (CORPUS / "guide-one-load.log").read_bytes()
    assert call("--file", "-", "--profile", "feedlyai", given=log, home=tmp_path).returncode == 0


def test_a_packed_log_is_told_with_the_command_that_unpacks_it(tmp_path: Path) -> None:
    log = tmp_path / "app.log.gz"
    log.write_bytes(gzip.compress((CORPUS / "guide-one-load.log").read_bytes()))
    done = call("--file", str(log))
    assert done.returncode == 2
    assert f"zcat {log} | python -m dashboard verdict --file -".encode() in done.stderr


def test_lines_that_end_as_on_windows_are_read() -> None:
    log = (CORPUS / "guide-one-load.log").read_bytes().replace(b"\n", b"\r\n")
    assert call("--file", "-", given=log).returncode == 0


def test_nothing_is_imported_for_a_file_that_is_not_needed() -> None:
    # A log of seconds must not wait for libraries of containers, pages and databases
    code = (
        "import sys; from dashboard.cli import main; main(['verdict', '--file', '-']);"
        "print(sorted({'docker', 'streamlit', 'sqlalchemy', 'pydantic', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=b"", capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), b"Name one log"),
        (("--file", "a", "--container", "b"), b"Name one log"),
        (("--file", "nowhere.log"), b"nowhere.log cannot be read"),
        (("--file", "."), b"cannot be read"),
        (("--file", "-", "--since", "5m"), b"--since and --until are for --container"),
        (("--file", "-", "--profile", "moon"), b"There is no log profile 'moon'"),
        (("--container", "x", "--since", "soon"), b"'soon' is no moment"),
    ],
)
def test_what_cannot_be_judged_is_a_sentence_and_exit_code_2(
    arguments: tuple[str, ...], sentence: bytes
) -> None:
    done = call(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert sentence in done.stderr
