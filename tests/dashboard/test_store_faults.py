"""A run history that cannot be read or written: each fault is made for real and told in one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.store import Store, StoreError
from tests.dashboard import sample_records as sample

ROOT = Path(__file__).resolve().parents[2]

_UNSHARE = ["unshare", "--mount", "--map-root-user"]

_FILL = """
import os
from dashboard.store import Store, StoreError
from dashboard.logs import LogLine
from tests.dashboard import sample_records as sample
{limit}
try:
    store = Store.open("sqlite:///" + os.environ["FOLDER"] + "/history.db")
    for number in range(1000):
        store.save(sample.run("green", run_id=f"run-{{number}}"))
    print("everything fitted")
except StoreError as error:
    print(error)
    try:
        print("and then", len(store.list()), "runs can be read")
        store.check_writable()
    except StoreError as error:
        print(error)
"""


def _tells(code: str, *, shell: str = "", folder: Path) -> str:
    """What a Python process prints that runs `code` after `shell` has prepared `folder`."""
    python = f'exec "{sys.executable}" -c "$CODE"'
    command = ["sh", "-c", f"{shell}\n{python}"]
    if shell:
        if (
            shutil.which("unshare") is None
            or subprocess.run([*_UNSHARE, "true"], capture_output=True).returncode
        ):
            pytest.skip("no mount namespace of our own can be made here")
        command = [*_UNSHARE, *command]
    environment = os.environ | {"CODE": code, "FOLDER": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_bytes(b"this is a letter, not a database\n" * 100)
    with pytest.raises(StoreError, match=r"history\.db is damaged or no history .* Move it away"):
        Store.open(f"sqlite:///{tmp_path}/history.db")


def test_a_damaged_database_is_said_to_be_damaged(store: Store, tmp_path: Path) -> None:
    for number in range(50):
        store.save(sample.run("green", run_id=f"run-{number}"))
    store.close()
    file = tmp_path / "history.db"
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)  # the header stays, the pages are lost
    file.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged or no history"):
        Store.open(f"sqlite:///{file}").list()


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.db").mkdir()
    with pytest.raises(StoreError, match=r"history\.db should be a file and is a folder"):
        Store.open(f"sqlite:///{tmp_path}/history.db")


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match=r"cannot be opened for writing .* set LOADONCE_HOME"):
        Store.open(f"sqlite:///{tmp_path}/home/history.db")


def test_a_history_that_may_only_be_read_can_be_read(store: Store, tmp_path: Path) -> None:
    store.save(sample.run("green"))
    reader = Store.open(f"sqlite:///file:{tmp_path}/history.db?mode=ro&uri=true")
    assert len(reader.list()) == 1
    with pytest.raises(StoreError, match=r"history\.db cannot be opened for writing .* who may write"):
        reader.check_writable()
    reader.close()


def test_a_full_disk_is_said_to_be_full_and_keeps_what_it_has(tmp_path: Path) -> None:
    said = _tells(
        _FILL.format(limit=""), shell='mount -t tmpfs -o size=700k tmpfs "$FOLDER"', folder=tmp_path
    )
    assert f"The disk that holds the run history {tmp_path}/history.db is full. Free some space" in said
    assert "runs can be read" in said


def test_a_disk_without_room_for_a_run_is_refused_before_the_run(tmp_path: Path) -> None:
    code = _FILL.replace("range(1000)", "range(1)").replace(
        'print("everything fitted")', "store.check_writable()"
    )
    said = _tells(code.format(limit=""), shell='mount -t tmpfs -o size=4m tmpfs "$FOLDER"', folder=tmp_path)
    assert "is nearly full" in said
    assert "Free some space" in said


def test_a_quota_that_is_reached_names_the_file(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))"
    said = _tells(_FILL.format(limit=limit), folder=tmp_path)
    assert f"The run history {tmp_path}/history.db could not be read or written" in said
    assert "Check the disk and its quota" in said


def test_a_read_only_folder_says_who_must_be_able_to_write(tmp_path: Path) -> None:
    shell = 'mount -t tmpfs tmpfs "$FOLDER"; mount -o remount,ro tmpfs "$FOLDER"'
    code = _FILL.format(limit="").partition("    try:")[0]
    said = _tells(code, shell=shell, folder=tmp_path)
    assert f"The run history {tmp_path}/history.db cannot be opened for writing" in said
    assert "set LOADONCE_HOME to a folder that can be written" in said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is not understood"),
        ("foo://host/db", "needs a database driver that is not installed"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql+pg8000://ann:secret@127.0.0.1/db", "needs a database driver that is not installed"),
    ],
)
def test_a_url_that_cannot_be_used_is_one_sentence_without_the_password(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)
    assert "LOADONCE_DATABASE_URL" in str(caught.value)
