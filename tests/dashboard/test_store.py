"""The run history: what goes in comes out, several processes share it, and each fault is a sentence."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text

from dashboard import migrations
from dashboard.evidence import LogLine
from dashboard.owner import is_gone, this_process
from dashboard.store import RunSummary, Store, StoreError, store_url
from tests.dashboard import sample_records as sample

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/history.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, lock_wait_s=0.2)
    yield store
    store.close()


# ---------------------------------------------------------------------- records


def test_a_record_comes_back_as_it_was_saved(store: Store) -> None:
    record = sample.run("green", "red")
    store.save(record)
    assert store.load(record.run_id) == record


def test_saving_again_replaces_the_record(store: Store) -> None:
    record = sample.run("green")
    store.save(replace(record, status="running", verdict=None))
    store.save(record)
    assert store.load(record.run_id) == record
    assert [row.status for row in store.list()] == ["finished"]


def test_a_run_that_is_not_there_is_none(store: Store) -> None:
    assert store.load("20260101-000000-000000") is None


def test_a_summary_tells_the_run_without_its_document(store: Store) -> None:
    record = sample.run("red")
    store.save(record)
    assert store.list() == (
        RunSummary(
            record.run_id,
            sample.START,
            sample.START + 3,
            "finished",
            "red",
            "local",
            "on",
            1,
            3,
            1,
            "local",
            3,
            record.verdict.latency_s.p95,
        ),
    )


def test_a_list_reads_no_document(store: Store) -> None:
    store.save(sample.run("green"))
    statements: list[str] = []
    event.listen(store._engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    store.list()
    assert statements
    assert not any("document" in statement for statement in statements)


def test_runs_are_listed_newest_first_and_page_by_page(store: Store) -> None:
    for number in range(7):
        # two at a time share their second, so that the id decides
        store.save(sample.run("green", run_id=f"run-{number}", created_at=sample.START + number // 2))
    first = store.list(limit=3)
    second = store.list(limit=3, before=first[-1].run_id)
    third = store.list(limit=3, before=second[-1].run_id)
    assert [row.run_id for row in (*first, *second, *third)] == [f"run-{n}" for n in range(6, -1, -1)]


def test_a_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    for run_id in ("20261123-1-aa", "20261123-1-ab", "20261124-1-aa"):
        store.save(sample.run("green", run_id=run_id))
    assert sorted(store.find("20261123")) == ["20261123-1-aa", "20261123-1-ab"]
    assert store.find("20261124") == ("20261124-1-aa",)


def test_a_prefix_is_no_pattern(store: Store) -> None:
    store.save(sample.run("green", run_id="20261123-1-aa"))
    assert store.find("2026_") == ()
    assert store.find("%") == ()


def test_a_deleted_run_takes_its_logs_along(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    store.save_log(record.run_id, "trial-1", [LogLine("trial-1", 0, "stdout", 1.0, "hello")])
    assert store.delete(record.run_id)
    assert store.load(record.run_id) is None
    assert store.sources(record.run_id) == ()
    assert not store.delete(record.run_id)


def test_a_thousand_runs_stay_quick_to_list_and_open(store: Store) -> None:
    record = replace(sample.run("green"), trials=(sample.trial(1, variants=200),))
    for number in range(1000):
        store.save(replace(record, run_id=f"run-{number:04}", created_at=sample.START + number))
    steps: list[int] = []
    with store._engine.connect() as connection:
        # counts SQLite's own steps, which do not depend on how busy the machine is
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(lambda: steps.append(1) or 0, 100)
    assert len(store.list()) == 200
    assert store.load("run-0500") is not None
    assert 0 < len(steps) < 100  # a scan of 1,000 rows with a sort would take far more


# ---------------------------------------------------------------------- logs


def test_a_log_comes_back_exactly(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    texts = [
        "",
        "  two spaces ",
        "\ttab",
        "na\u00efve \U0001f600",
        "\x00\x1b[31m\u2028\x85",
        "\ufffd",
        "a\\n",
        "\ud800",
    ]
    lines = [
        LogLine("trial-1", number, "stderr" if number % 2 else "stdout", 1e9 + number / 3, text)
        for number, text in enumerate(texts, 5)
    ]
    store.save_log(record.run_id, "trial-1", lines)
    assert store.log(record.run_id, "trial-1") == tuple(lines)


def test_a_log_is_replaced_and_the_sources_keep_their_order(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    for source in ("trial-2", "control-1", "trial-1", "trial-2"):
        store.save_log(record.run_id, source, [LogLine(source, 0, "stdout", 1.0, source)])
    assert store.sources(record.run_id) == ("trial-2", "control-1", "trial-1")
    assert [line.text for line in store.log(record.run_id, "trial-2")] == ["trial-2"]


def test_a_log_that_was_not_kept_is_empty(store: Store) -> None:
    assert store.log("nobody", "trial-1") == ()


def test_a_log_of_an_unsaved_run_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=r"run nobody is not in the history .* Save the run first"):
        store.save_log("nobody", "trial-1", [])


def test_a_log_is_kept_compressed(store: Store, tmp_path: Path) -> None:
    record = sample.run("green")
    store.save(record)
    lines = [LogLine("s", n, "stdout", 1e9 + n, f"Loading weights {n}/20000") for n in range(20_000)]
    store.save_log(record.run_id, "s", lines)
    with store._engine.connect() as connection:
        size = connection.scalar(text("select length(lines) from logs"))
    assert size is not None
    assert size < sum(len(line.text) for line in lines) / 2


def test_a_damaged_log_is_said_to_be_damaged(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    store.save_log(record.run_id, "s", [LogLine("s", 0, "stdout", 1.0, "x")])
    with store._engine.begin() as connection:
        connection.execute(text("update logs set lines = x'00'"))
    with pytest.raises(StoreError, match=r"log of s in run .* is damaged"):
        store.log(record.run_id, "s")


# ---------------------------------------------------------------------- actions


def test_actions_are_told_newest_first(store: Store) -> None:
    store.note_action(actor="local", action="launch", target="local", outcome="started", run_id="r1")
    store.note_action(actor="ann", action="abort", target="local", outcome="asked", run_id="r1")
    newest, oldest = store.actions()
    assert (newest.actor, newest.action, newest.outcome, newest.run_id) == ("ann", "abort", "asked", "r1")
    assert oldest.time <= newest.time <= time.time()


# ---------------------------------------------------------------------- interrupted runs


def _ended_process() -> str:
    """The owner string of a process that has ended."""
    code = "from dashboard.owner import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def _save_running(store: Store, owner: str, *colours: str) -> str:
    record = replace(sample.run("green"), status="running", verdict=None, finished_at=None, control=None)
    record = replace(record, trials=tuple(sample.trial(n, c) for n, c in enumerate(colours, 1)))  # type: ignore[arg-type]
    store._owner = owner
    store.save(record)
    return record.run_id


def test_a_run_of_a_process_that_has_ended_is_marked_interrupted(store: Store) -> None:
    run_id = _save_running(store, _ended_process())
    assert store.mark_interrupted() == 1
    record = store.load(run_id)
    assert record is not None
    assert record.status == "interrupted"
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert [reason.code for reason in record.verdict.reasons] == ["aborted"]
    assert (store.list()[0].status, store.list()[0].verdict) == ("interrupted", "inconclusive")


def test_an_interrupted_run_with_a_red_trial_is_red(store: Store) -> None:
    run_id = _save_running(store, _ended_process(), "green", "red")
    store.mark_interrupted()
    record = store.load(run_id)
    assert record is not None
    assert record.verdict is not None
    assert record.verdict.verdict == "red"
    assert record.verdict.counts == sample.RED.counts


def test_an_interrupted_run_with_green_trials_proves_nothing(store: Store) -> None:
    run_id = _save_running(store, _ended_process(), "green")
    store.mark_interrupted()
    record = store.load(run_id)
    assert record is not None
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive"
    assert record.verdict.counts.load_started == 1


def test_a_cut_run_of_another_version_runs_no_more_either(store: Store) -> None:
    _save_running(store, _ended_process())
    with store._engine.begin() as connection:
        connection.execute(text("update runs set document = '{}'"))
    assert store.mark_interrupted() == 1
    assert store.list()[0].status == "interrupted"


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # it tells of the odd value too
def test_a_record_that_is_no_text_is_named(store: Store) -> None:
    record = replace(sample.run("green"), versions={"torch": object()})  # type: ignore[dict-item]
    with pytest.raises(StoreError, match=rf"record of run {record.run_id} cannot be written as JSON"):
        store.save(record)


def test_a_record_with_half_a_character_is_kept(store: Store) -> None:
    record = replace(sample.run("green"), message="\ud800")
    store.save(record)
    kept = store.load(record.run_id)
    assert kept is not None
    assert kept.message == "?"


def test_a_run_of_a_living_process_is_left_alone(store: Store) -> None:
    run_id = _save_running(store, this_process())
    assert store.mark_interrupted() == 0
    record = store.load(run_id)
    assert record is not None
    assert record.running


def test_a_run_of_another_host_is_left_alone(store: Store) -> None:
    _save_running(store, "elsewhere.example:1:123")
    assert store.mark_interrupted() == 0


def test_a_pid_that_was_given_to_another_process_does_not_count_as_alive() -> None:
    host, pid, _ = this_process().rsplit(":", 2)
    assert not is_gone(this_process())
    if Path("/proc/self/stat").exists():
        assert is_gone(f"{host}:{pid}:1")
    assert not is_gone(f"{host}:{pid}:")


def test_a_zombie_counts_as_gone() -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("the kernel tells no process states here")
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host = this_process().rsplit(":", 2)[0]
    start = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    owner = f"{host}:{process.pid}:{start}"
    assert not is_gone(owner)
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet asked for
    assert is_gone(owner)
    process.wait()


@pytest.mark.parametrize("owner", ["", "nonsense", "a:b:c", "host:0:1", "h:-1:1"])
def test_an_owner_that_says_nothing_is_never_gone(owner: str) -> None:
    assert not is_gone(owner)


# ---------------------------------------------------------------------- several at once


def _save_many(url: str, name: str) -> None:
    store = Store.open(url)
    for number in range(10):
        record = sample.run("green", run_id=f"{name}-{number}")
        store.save(record)
        store.save_log(record.run_id, "trial-1", [LogLine("trial-1", 0, "stdout", 1.0, name)])
        store.list()
    store.close()


def test_several_processes_open_and_write_the_same_new_history(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_save_many, args=(url, f"w{n}")) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    store = Store.open(url)
    assert len(store.list()) == 40
    store.close()


def test_several_threads_save_the_same_run(store: Store) -> None:
    patient = Store.open(str(store._engine.url))
    record = sample.run("green")
    errors: list[BaseException] = []

    def save() -> None:
        try:
            for _ in range(10):
                patient.save(record)
                patient.load(record.run_id)
        except BaseException as error:  # noqa: BLE001 - shown by the assert below
            errors.append(error)

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    patient.close()
    assert errors == []
    assert len(store.list()) == 1


def test_a_reader_is_not_held_up_by_a_writer(store: Store, url: str) -> None:
    store.save(sample.run("green"))
    with _held(url):
        assert len(store.list()) == 1


# ---------------------------------------------------------------------- faults, each for real


class _held:  # noqa: N801 - reads as a statement
    """Another program that holds the write lock of a SQLite file."""

    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)

    def __enter__(self) -> None:
        self._connection.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


def test_a_locked_history_says_who_to_close(store: Store, url: str, tmp_path: Path) -> None:
    with _held(url), pytest.raises(StoreError, match="is locked by another program") as caught:
        store.check_writable()
    assert str(tmp_path / "history.db") in str(caught.value)


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


_UNSHARE = ["unshare", "--mount", "--map-root-user"]


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


def test_a_newer_history_is_left_alone(store: Store, url: str) -> None:
    with store._engine.begin() as connection:
        connection.execute(text("update schema_version set version = 99"))
    with pytest.raises(
        StoreError, match=r"has version 99, and this program reads version 2\. Use the Loadonce"
    ):
        Store.open(url)


@pytest.fixture
def first_history(store: Store, url: str) -> Store:
    """A history as the first version left it: no latency beside the document."""
    for number, colour in enumerate(("green", "red")):
        store.save(sample.run(colour, run_id=f"run-{number}", created_at=sample.START - number))
    store.save(replace(sample.run("green", run_id="run-2", created_at=sample.START - 2), verdict=None))
    with store._engine.begin() as connection:
        connection.execute(text("alter table runs drop column latency_p95_s"))
        connection.execute(text("update schema_version set version = 1"))
    store.close()
    return store


@pytest.mark.usefixtures("first_history")
def test_an_older_history_is_brought_up_to_date_with_all_its_runs(url: str) -> None:
    newer = Store.open(url)
    assert [(row.run_id, row.latency_p95_s) for row in newer.list()] == [
        ("run-0", 0.9), ("run-1", 0.9), ("run-2", None)
    ]  # fmt: skip
    newer.save(sample.run("green", run_id="run-3"))
    newer.close()


@pytest.mark.usefixtures("first_history")
def test_several_that_open_an_older_history_at_once_all_find_it_up_to_date(url: str) -> None:
    start = threading.Barrier(4)
    found: list[int] = []

    def open_it() -> None:
        start.wait(20)
        opened = Store.open(url)
        found.append(len(opened.list()))
        opened.close()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [3, 3, 3, 3]


@pytest.mark.usefixtures("first_history")
def test_a_history_that_cannot_be_brought_up_to_date_stays_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: object) -> None:
        migrations._add_latency(connection)
        raise OSError("the disk went away")

    monkeypatch.setattr(migrations, "_STEPS", {1: fail})
    with pytest.raises(StoreError, match="the disk went away"):
        Store.open(url)
    monkeypatch.undo()
    opened = Store.open(url)
    assert len(opened.list()) == 3
    opened.close()


def test_a_record_of_another_version_is_named(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    with store._engine.begin() as connection:
        connection.execute(text("update runs set document = '{}'"))
    with pytest.raises(StoreError, match=rf"record of run {record.run_id} .* cannot be read"):
        store.load(record.run_id)


def test_closing_twice_is_nothing_and_use_afterwards_is_loud(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.list()


def test_the_url_comes_from_the_environment_or_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LOADONCE_DATABASE_URL", raising=False)
    assert store_url(tmp_path) == f"sqlite:///{tmp_path}/history.db"
    monkeypatch.setenv("LOADONCE_DATABASE_URL", "postgresql://db/loadonce")
    assert store_url(tmp_path) == "postgresql://db/loadonce"


def test_a_data_folder_with_odd_characters_is_found_again(tmp_path: Path) -> None:
    home = tmp_path / "a b?c#d%20@é"
    Store.open(store_url(home)).close()
    assert (home / "history.db").is_file()
