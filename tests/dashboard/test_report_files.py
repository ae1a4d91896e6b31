"""Reports as files: rows for spreadsheets, bundles that can be held against their hashes, the commands."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.evidence import LogLine
from dashboard.language import speaking
from dashboard.record import RunRecord
from dashboard.report import ReportError, kept_logs, report_bytes, write_report
from dashboard.report_bundle import check_bundle
from dashboard.report_csv import EVENT_COLUMNS, VARIANT_COLUMNS, events_csv, variants_csv
from dashboard.report_desk import offers
from dashboard.store import Store, store_url
from tests.dashboard import sample_records as sample
from tests.dashboard.command_line import call
from tests.dashboard.worker_log import WorkerLog

RUN = "20261123-084512-3f9c1a"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# -- CSV ----------------------------------------------------------------------------------------------------


def test_each_variant_of_each_trial_is_a_row() -> None:
    told = rows(variants_csv(sample.run("green", "red")))
    assert len(told) == 3 * 2
    assert tuple(told[0]) == VARIANT_COLUMNS
    first = told[0]
    assert (first["run_id"], first["role"], first["trial"], first["guard"]) == (RUN, "trial", "1", "on")
    assert (first["variant_id"], first["state"], first["latency_s"]) == ("variant-1", "answered", "0.5")
    assert (first["sent_at"], first["sent_after_s"]) == ("2026-11-23T09:00:01.250Z", "0.0")


def test_a_control_is_among_the_rows_and_named_as_such() -> None:
    assert {row["role"] for row in rows(variants_csv(sample.run("green")))} == {"trial", "control"}


def test_each_load_event_is_a_row() -> None:
    told = rows(events_csv(sample.run("red")))
    assert tuple(told[0]) == EVENT_COLUMNS
    assert [row["kind"] for row in told] == ["requested", "started", "completed"]
    assert (told[1]["line"], told[1]["after_release_s"], told[1]["boot"]) == ("2", "0.1", "3f9c1a")


@pytest.mark.parametrize("hostile", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\x1b[31m=1"])
def test_what_looks_like_a_formula_is_text(hostile: str) -> None:
    variant = replace(sample.variant(1), answer=hostile)
    record = replace(sample.run("red"), trials=(replace(sample.trial(1, "red"), variants=(variant,)),))
    (row,) = rows(variants_csv(record))
    assert row["answer"].startswith("'")
    assert "\x1b" not in row["answer"]


def test_quotes_commas_and_newlines_of_an_answer_stay_in_its_cell() -> None:
    variant = replace(sample.variant(1), answer='a, "b"\nc')
    record = replace(sample.run("red"), trials=(replace(sample.trial(1, "red"), variants=(variant,)),))
    (row,) = rows(variants_csv(record))
    assert row["answer"] == 'a, "b"\\nc'


def test_the_ending_tells_which_rows_are_meant(tmp_path: Path) -> None:
    for name in ("run.csv", "RUN.EVENTS.CSV"):
        write_report(sample.run("red"), tmp_path / name)
    assert (tmp_path / "run.csv").read_text("utf-8").startswith("run_id,role,trial,guard,job_id")
    assert (tmp_path / "RUN.EVENTS.CSV").read_text("utf-8").startswith("run_id,role,trial,guard,source")


# -- the bundle ---------------------------------------------------------------------------------------------


def logs(*texts: str, source: str = "trial-1") -> list[tuple[str, Iterable[LogLine]]]:
    return [(source, [LogLine(source, at, "stdout", 1000.0 + at, text) for at, text in enumerate(texts)])]


def bundled(tmp_path: Path, record: RunRecord | None = None) -> Path:
    path = tmp_path / "proof.zip"
    write_report(record or sample.run("red"), path, lambda: logs("Loading LLaVa model", "done"))
    return path


FILES = {
    *("MANIFEST", "README.txt", "report.html", "run.json", "junit.xml", "variants.csv", "events.csv"),
    *("versions.txt", "logs/trial-1.log"),
}


def test_a_bundle_holds_the_reports_the_log_and_what_ran(tmp_path: Path) -> None:
    with zipfile.ZipFile(bundled(tmp_path)) as archive:
        assert set(archive.namelist()) == FILES
        assert archive.read("versions.txt").decode() == "python 3.11\ntransformers 5.23.0\n"
        assert archive.read("logs/trial-1.log") == b"Loading LLaVa model\ndone\n"
        assert json.loads(archive.read("run.json"))["record"]["run_id"] == RUN


def test_a_log_that_nobody_kept_is_named(tmp_path: Path) -> None:
    def readme(record: RunRecord) -> str:
        with zipfile.ZipFile(bundled(tmp_path, record)) as archive:
            return archive.read("README.txt").decode()

    assert "No log was kept of: control-1." in readme(sample.run("green"))
    assert "No log was kept" not in readme(sample.run("red"))


def test_its_manifest_is_checked_by_a_tool_that_everybody_has(tmp_path: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum here")
    with zipfile.ZipFile(bundled(tmp_path)) as archive:
        archive.extractall(tmp_path / "unpacked")
    command = ["sha256sum", "--strict", "-c", "MANIFEST"]
    done = subprocess.run(command, cwd=tmp_path / "unpacked", capture_output=True, text=True)
    assert (done.returncode, done.stdout.count(": OK")) == (0, len(FILES) - 1)
    (tmp_path / "unpacked" / "logs" / "trial-1.log").write_text("Loading LLaVa model\nDONE\n")
    assert subprocess.run(command, cwd=tmp_path / "unpacked", capture_output=True).returncode == 1


def test_the_same_run_gives_the_same_bytes_whoever_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bundled(tmp_path).read_bytes()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Seoul")
        time.tzset()
        with speaking("ko"):
            again = bundled(tmp_path).read_bytes()
    time.tzset()
    assert again == first
    other = bundled(tmp_path, replace(sample.run("red"), actor="kim")).read_bytes()
    assert other != first


def test_the_log_of_a_bundle_gives_the_verdict_anew(home: Path, tmp_path: Path) -> None:
    log = WorkerLog()
    log.load()
    data = report_bytes(sample.run("green"), "proof.zip", lambda: logs(*log.lines))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extract("logs/trial-1.log", tmp_path)
    done = call("verdict", "--file", str(tmp_path / "logs" / "trial-1.log"), "--json")
    assert (done.returncode, json.loads(done.stdout)["counts"]["load_completed"]) == (0, 1)


def test_sources_that_would_share_a_name_get_two_files() -> None:
    named = [*logs("a", source="../x/y"), *logs("b", source="x y")]
    data = report_bytes(sample.run("red"), "proof.zip", lambda: named)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if name.startswith("logs/")}
    assert kept == {"logs/x-y.log": b"a\n", "logs/x-y-2.log": b"b\n"}


def test_a_run_under_way_has_no_proof_yet(tmp_path: Path) -> None:
    running = replace(sample.run("green"), status="running", verdict=None)
    with pytest.raises(ReportError, match="is still under way, and a proof is made of a run that has ended"):
        bundled(tmp_path, running)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_is_damaged_in_the_history_is_told_and_nothing_is_written(
    tmp_path: Path, store: Store
) -> None:
    record = sample.run("red")
    store.save(record)
    store.save_log(record.run_id, "trial-1", logs("x")[0][1])
    store.close()
    with pytest.raises(ReportError, match=r"proof\.zip was not written: The run history .* has been closed"):
        write_report(record, tmp_path / "proof.zip", kept_logs(store, record.run_id))
    assert not (tmp_path / "proof.zip").exists()


def changed(path: Path, change: dict[str, bytes | None], extra: tuple[tuple[str, bytes], ...] = ()) -> Path:
    """The bundle at `path`, with some files replaced or left out, and others added."""
    with zipfile.ZipFile(path) as archive:
        files = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in [*files, *extra]:
            put = change.get(name, data)
            if put is not None:
                archive.writestr(name, put)
    return path


def test_a_bundle_as_it_was_exported_has_no_fault(tmp_path: Path) -> None:
    checked = check_bundle(bundled(tmp_path))
    assert (checked.files, checked.faults) == (len(FILES) - 1, ())


@pytest.mark.parametrize(
    ("change", "extra", "fault"),
    [
        ({"run.json": b"{}"}, (), "run.json was changed: its SHA-256 is another one."),
        ({"junit.xml": None}, (), "junit.xml is missing."),
        ({}, (("more.txt", b"x"),), "more.txt is not in the manifest."),
    ],
)
def test_what_was_changed_is_named(
    change: dict[str, bytes | None], extra: tuple[tuple[str, bytes], ...], fault: str, tmp_path: Path
) -> None:
    assert check_bundle(changed(bundled(tmp_path), change, extra)).faults == (fault,)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_second_file_of_a_name_is_a_fault(tmp_path: Path) -> None:
    with zipfile.ZipFile(bundled(tmp_path)) as archive:
        same = archive.read("run.json")
    found = check_bundle(changed(bundled(tmp_path), {}, (("run.json", same),)))
    assert found.faults == ("run.json is there more than once.",)


def test_a_bundle_that_was_damaged_on_its_way_is_told(tmp_path: Path) -> None:
    path = bundled(tmp_path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        page = archive.getinfo("report.html")
    at = page.header_offset + page.compress_size // 2
    data[at : at + 64] = bytes(64)
    path.write_bytes(data)
    (fault,) = check_bundle(path).faults
    assert fault.startswith("report.html ")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_what_is_no_bundle_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ReportError, match=r"x\.zip cannot be read as a bundle"):
        check_bundle(tmp_path / "x.zip")


def test_another_zip_file_is_no_bundle(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(ReportError, match="holds no MANIFEST: it is no bundle of a run"):
        check_bundle(tmp_path / "x.zip")


def test_a_manifest_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"The MANIFEST of .* is damaged, at 'hello'"):
        check_bundle(changed(bundled(tmp_path), {"MANIFEST": b"hello\n"}))


# -- the commands -------------------------------------------------------------------------------------------


@pytest.fixture
def kept(home: Path) -> RunRecord:
    """A run that the history of `home` holds, with a log."""
    home.mkdir()
    record = sample.run("red")
    with closing(Store.open(store_url(home))) as store:
        store.save(record)
        store.save_log(record.run_id, "trial-1", logs("Loading LLaVa model")[0][1])
    return record


def test_a_run_is_exported_as_the_ending_says_and_a_bundle_is_verified(
    kept: RunRecord, tmp_path: Path
) -> None:
    path = tmp_path / "proof.zip"
    done = call("history", "export", kept.run_id[:12], "--to", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in done.stderr
    whole = call("history", "verify", str(path))
    assert (whole.returncode, whole.stdout) == (0, "✓ 8 files are as they were exported.\n")
    changed(path, {"run.json": b"{}"})
    broken = call("history", "verify", str(path))
    assert (broken.returncode, broken.stdout) == (
        1,
        "✕ run.json was changed: its SHA-256 is another one.\n",
    )


def test_a_file_that_is_there_is_kept_unless_it_is_said(kept: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text("mine")
    done = call("history", "export", kept.run_id, "--to", str(path))
    assert (done.returncode, path.read_text()) == (2, "mine")
    assert "run.csv is there already. Name another one, or say --force." in done.stderr
    assert call("history", "export", kept.run_id, "--to", str(path), "--force").returncode == 0
    assert path.read_text("utf-8").startswith("run_id,")


@pytest.mark.parametrize(
    ("run_id", "name", "said"),
    [
        ("nobody", "run.html", "There is no run 'nobody'. List them: python -m dashboard history list"),
        (RUN, "run.pdf", "Name a file that ends in .html, .json, .xml, .csv, .zip"),
    ],
)
def test_what_cannot_be_exported_is_said(
    run_id: str, name: str, said: str, kept: RunRecord, tmp_path: Path
) -> None:
    done = call("history", "export", run_id, "--to", str(tmp_path / name))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / name).exists()


def test_a_file_that_is_no_bundle_is_usage(home: Path, tmp_path: Path) -> None:
    done = call("history", "verify", str(tmp_path / "nothing.zip"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing.zip cannot be read as a bundle (No such file or directory)" in done.stderr


# -- the page -----------------------------------------------------------------------------------------------


def test_a_page_offers_each_kind_and_makes_the_newest_record(store: Store) -> None:
    old = replace(sample.run("green"), status="running", verdict=None)
    new = sample.run("green")
    found = {offer.file.partition(".")[2]: offer for offer in offers(old, store, lambda run_id: new)}
    assert set(found) == {"html", "json", "xml", "csv", "events.csv", "zip"}
    assert [name for name, offer in found.items() if not offer.possible] == ["zip"]
    assert json.loads(found["json"].make())["verdict"] == "green"
    assert found["json"].file == f"loadonce-{RUN}.json"
