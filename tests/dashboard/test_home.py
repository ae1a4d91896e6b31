"""The data folder: where it is, and what is said when it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.home import HomeError, data_home


def test_a_named_folder_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADONCE_HOME", str(tmp_path / "new" / "home"))
    assert data_home() == tmp_path / "new" / "home"
    assert data_home().is_dir()


def test_the_home_of_an_unknown_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADONCE_HOME", "~nobody-of-that-name/data")
    with pytest.raises(HomeError, match=r"'~nobody-of-that-name/data' cannot be found .*Set LOADONCE_HOME"):
        data_home()


def test_a_file_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOADONCE_HOME", str(tmp_path / "file"))
    with pytest.raises(HomeError, match=r"cannot be made .*Set LOADONCE_HOME"):
        data_home()
