"""The file of the settings: read as the user wrote it, saved whole or not at all."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

from dashboard.target_settings import (
    FILE_NAME,
    TargetSettings,
    TargetSettingsError,
    read_text,
    save_text,
    target_settings,
)

TEXT = '# mine\n[containers]\nallow   =   ["yh"]   # as I like it\n'


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert target_settings(tmp_path) == TargetSettings()


def test_what_is_wrong_names_the_file_and_the_line(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('[containers]\nshow = "none"', "utf-8")
    with pytest.raises(
        TargetSettingsError, match=rf"^{re.escape(str(tmp_path / FILE_NAME))}, line 2: \[cont"
    ):
        target_settings(tmp_path)


def test_a_file_that_is_no_utf8_is_told_with_the_line(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"# a\n# \xff\n")
    with pytest.raises(TargetSettingsError, match=r"line 2: this is no UTF-8. Save the file as UTF-8"):
        target_settings(tmp_path)


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(TargetSettingsError, match=r"cannot be read \(Is a directory\)"):
        target_settings(tmp_path)


def test_what_is_saved_is_read_again_to_the_letter(tmp_path: Path) -> None:
    save_text(read_text(tmp_path), TEXT)
    assert read_text(tmp_path).text == TEXT


def test_lines_that_end_as_on_windows_stay_as_they_are(tmp_path: Path) -> None:
    save_text(read_text(tmp_path), TEXT.replace("\n", "\r\n"))
    assert (tmp_path / FILE_NAME).read_bytes() == TEXT.replace("\n", "\r\n").encode()


def test_nothing_wrong_is_saved(tmp_path: Path) -> None:
    saved = save_text(read_text(tmp_path), TEXT)
    with pytest.raises(TargetSettingsError, match=r"line 1: the file has no key 'x'"):
        save_text(saved, "x = 1")
    assert read_text(tmp_path).text == TEXT


def test_a_file_that_has_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    before = read_text(tmp_path)
    (tmp_path / FILE_NAME).write_text(TEXT, "utf-8")
    with pytest.raises(TargetSettingsError, match=r"has changed since it was read here. Load it again"):
        save_text(before, "")
    assert read_text(tmp_path).text == TEXT


def test_of_two_that_save_at_once_one_is_refused(tmp_path: Path) -> None:
    before, barrier, outcomes = read_text(tmp_path), threading.Barrier(2), list[str]()

    def save(text: str) -> None:
        barrier.wait()
        try:
            outcomes.append(save_text(before, text).text)
        except TargetSettingsError:
            outcomes.append("refused")

    threads = [threading.Thread(target=save, args=(f"# {name}",)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted([read_text(tmp_path).text, "refused"])


def test_one_may_save_again_after_saving(tmp_path: Path) -> None:
    saved = save_text(read_text(tmp_path), TEXT)
    save_text(saved, "# less")
    assert read_text(tmp_path).text == "# less"


def test_a_folder_that_is_gone_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    before = read_text(tmp_path / "home")
    (tmp_path / "home").write_text("a file", "utf-8")
    with pytest.raises(TargetSettingsError, match="cannot be"):
        save_text(before, TEXT)


def test_a_save_that_breaks_leaves_the_file_and_no_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = save_text(read_text(tmp_path), TEXT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TargetSettingsError, match=r"No space left on device"):
        save_text(saved, "# new")
    assert read_text(tmp_path).text == TEXT
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == [FILE_NAME]


def test_the_permissions_of_the_file_stay(tmp_path: Path) -> None:
    saved = save_text(read_text(tmp_path), TEXT)
    (tmp_path / FILE_NAME).chmod(0o640)
    save_text(saved, "")
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("", "utf-8")
    (tmp_path / FILE_NAME).symlink_to(real)
    save_text(read_text(tmp_path), TEXT)
    assert (tmp_path / FILE_NAME).is_symlink()
    assert real.read_text("utf-8") == TEXT
