"""`verdict` on files and standard input, as a user calls it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
CORPUS = ROOT / "tests" / "corpus"
TRUTH = tomllib.loads((CORPUS / "truth.toml").read_text("utf-8"))
CODES = {"green": 0, "red": 1, "inconclusive": 3}


def call(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", "verdict", *arguments],
        cwd=ROOT,
        input=given,
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
