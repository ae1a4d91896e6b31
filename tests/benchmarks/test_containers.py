"""The benchmarks that need an engine say so where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as command


def test_without_dockers_client_the_next_step_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.main(["log-count", "--rounds", "1"]) == 1
    said = capsys.readouterr().err
    assert "docker's client is not installed" in said
    assert "private_engine.py" in said
