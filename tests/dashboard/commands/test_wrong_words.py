"""What was mistyped on a command line: each error names it and the next step, with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.cli import main

BINARY = bytes(range(256)) * 20
START = b"\nLoading LLaVa model: a/b on cuda\n"


Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Carry out a command that ends before anything is begun; its exit code, and what was said to people."""

    def carry_out(*words: str) -> tuple[int, str]:
        code = main(words)
        return code, " ".join(capsys.readouterr().err.split())

    return carry_out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "watch --container x --for 8x",
            "--for: '8x' is no span of time. Give one such as 30m, 8h or 1h30m.",
        ),
        ("watch --container x --for 2026-01-01", "--for: '2026-01-01' is no span of time. Give one"),
        ("serve --port x", "--port: 'x' is no port. Give a whole number from 1 to 65535, such as 8502."),
        ("serve --port 0", "--port: '0' is no port."),
        ("serve --port 65536", "--port: '65536' is no port."),
        ("audit --path README.md", "Give --path a Python file whose function loads the model."),
        ("run --target foo", "'foo' is not known here. Use `local`, or `container:NAME` with the name"),
        ("logs --container x --grep (", "'(' is no pattern of RE2 (missing ): ()"),
    ],
)
def test_a_mistyped_word_is_named_with_the_next_step(words: str, told: str, said: Said) -> None:
    code, text = said(*words.split())
    assert code == 2
    assert told in text
    assert "b'" not in text


def test_a_file_that_is_no_text_is_told_as_such_and_not_as_a_log_without_a_load(
    tmp_path: Path, said: Said
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(BINARY)
    code, text = said("verdict", "--file", str(path))
    assert code == 3  # what was asked for was done, and proves nothing
    assert "This is no text log: it begins with binary data" in text
    assert "the service's lines are in no profile" not in text
    assert "docker logs NAME 2>&1 | python -m dashboard verdict --file -" in text


def test_a_load_behind_binary_data_is_judged_all_the_same(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "damaged.log"
    path.write_bytes(BINARY + START * 2)
    assert said("verdict", "--file", str(path))[0] == 1


def test_a_log_that_begins_with_zeros_is_a_log(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "emptied.log"
    path.write_bytes(b"\0" * 9000 + b"INFO: Application startup complete.\n")
    assert said("verdict", "--file", str(path))[0] == 3


@pytest.mark.parametrize("command", ["run", "verdict"])
def test_the_help_says_where_the_words_go(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, "--help"])
    assert "standard error" in " ".join(capsys.readouterr().out.split())
