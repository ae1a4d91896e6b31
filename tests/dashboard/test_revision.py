"""The revision of what is under test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dashboard.revision import git_revision


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "service.py").write_text("model = None\n", "utf-8")
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
    return folder


def test_a_checkout_tells_its_commit_and_whether_it_was_changed(checkout: Path) -> None:
    head = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert git_revision(checkout) == head
    (checkout / "service.py").write_text("model = 1\n", "utf-8")
    assert git_revision(checkout) == f"{head}-dirty"


def test_what_is_no_checkout_tells_none(tmp_path: Path) -> None:
    assert git_revision(tmp_path) is None
    (tmp_path / ".git").mkdir()  # damaged
    assert git_revision(tmp_path) is None


def test_a_machine_without_git_tells_none(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert git_revision(checkout) is None
