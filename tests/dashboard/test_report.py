"""Reports: the contract's JSON, JUnit for CI systems, a page for people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from dashboard.evidence import Counts, Reason, Verdict
from dashboard.printable import printable
from dashboard.record import from_json
from dashboard.report import ReportError, check_report_path, run_json, write_report
from tests.dashboard import sample_records as sample

ROOT = Path(__file__).resolve().parents[2]

# ---------------------------------------------------------------------- JSON


def test_the_json_of_a_run_is_the_contract() -> None:
    result = run_json(sample.run("green"))
    assert result["verdict"] == "green"
    assert result["reasons"] == [{"code": "one_load", "text": "One start, one completion and no error."}]
    assert result["counts"] == {
        "load_started": 1,
        "load_completed": 1,
        "load_failed": 0,
        "progress_messages": 8,
        "meta_tensor_errors": 0,
        "unique_models": 1,
        "workers": 1,
        "variants": 3,
        "variants_ok": 3,
        "contended": 3,
    }
    assert result["latency_s"] == {"p50": 0.5, "p95": 0.9, "p99": 0.95, "max": 1.0}
    assert result["witnesses"] == {
        "log": "agrees",
        "identity": "agrees",
        "memory": "silent",
        "report": "silent",
    }
    assert result["control"]["verdict"] == "red"
    assert result["run_id"] == "20261123-084512-3f9c1a"
    assert "trials" not in result
    json.dumps(result)


def test_a_run_without_control_or_answers_says_null() -> None:
    bare = replace(sample.RED, latency_s=None, counts=Counts(load_started=2))
    result = run_json(replace(sample.run("red"), verdict=bare))
    assert result["control"] is None
    assert result["latency_s"] is None
    assert result["counts"]["unique_models"] is None


def test_repeats_give_trials_and_the_counts_of_the_worst() -> None:
    result = run_json(sample.run("green", "inconclusive", "red", "green"))
    assert [trial["verdict"] for trial in result["trials"]] == ["green", "inconclusive", "red", "green"]
    assert result["verdict"] == "red"
    assert result["counts"]["load_started"] == 3
    assert result["trials"][0]["counts"]["load_started"] == 1


def test_control_trials_are_not_among_the_trials() -> None:
    assert len(run_json(sample.run("green", "green"))["trials"]) == 2


def test_a_run_that_goes_on_has_no_verdict_yet() -> None:
    record = replace(sample.run("green"), status="running", verdict=None)
    assert run_json(record)["verdict"] is None


@pytest.mark.parametrize("status", ["aborted", "failed", "interrupted"])
def test_a_run_that_ended_without_a_verdict_is_inconclusive(status: str) -> None:
    record = replace(sample.run("green"), status=status, verdict=None, message="The disk burned.")  # type: ignore[arg-type]
    result = run_json(record)
    assert result["verdict"] == "inconclusive"
    assert result["reasons"] == [{"code": "aborted", "text": "The disk burned."}]


def test_the_json_report_holds_the_whole_record(tmp_path: Path) -> None:
    record = sample.run("green", "red")
    write_report(record, tmp_path / "run.json")
    written = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert from_json(json.dumps(written.pop("record"))) == record
    assert written == run_json(record)


# ---------------------------------------------------------------------- JUnit


def _suite(record: object, tmp_path: Path) -> Xml.Element:
    write_report(record, tmp_path / "run.xml")  # type: ignore[arg-type]
    suite = Xml.parse(tmp_path / "run.xml").getroot().find("testsuite")
    assert suite is not None
    return suite


def test_each_trial_is_a_test_case(tmp_path: Path) -> None:
    suite = _suite(sample.run("green", "green"), tmp_path)
    assert [case.get("name") for case in suite.findall("testcase")] == [
        "trial 1: 3 variants, one load",
        "trial 2: 3 variants, one load",
    ]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")
    assert suite.findall("testcase")[0].get("time") == "2.500"


def test_red_is_a_failure_and_inconclusive_an_error(tmp_path: Path) -> None:
    suite = _suite(sample.run("green", "red", "inconclusive"), tmp_path)
    outcomes = [
        [child.tag for child in case if child.tag != "system-out"] for case in suite.findall("testcase")
    ]
    assert outcomes == [[], ["failure"], ["error"]]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "1", "0")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "meta_tensor_error"
    assert failure.get("message") == "Two loads <overlapped> & failed."


def test_a_control_that_stays_green_is_an_error_of_the_whole_run(tmp_path: Path) -> None:
    verdict = replace(sample.UNSURE, reasons=(Reason("control_not_red", "The control did not fail."),))
    suite = _suite(replace(sample.run("green"), verdict=verdict), tmp_path)
    assert (suite.get("tests"), suite.get("errors")) == ("2", "1")
    error = suite.findall("testcase")[-1].find("error")
    assert error is not None
    assert error.get("type") == "control_not_red"


def test_a_run_without_a_trial_is_still_an_error_for_ci(tmp_path: Path) -> None:
    record = replace(
        sample.run("green"), status="failed", trials=(), verdict=None, message="No worker came up."
    )
    suite = _suite(record, tmp_path)
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")


def test_control_characters_do_not_break_the_xml(tmp_path: Path) -> None:
    nasty = Verdict("red", (Reason("x", "bell \x07 nul \x00 \ud800 ]]> <&\"'"),), Counts())
    record = replace(sample.run("red"), trials=(replace(sample.trial(1, "red"), verdict=nasty),))
    failure = _suite(record, tmp_path).find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "bell \\x07 nul \\x00 \\ud800 ]]> <&\"'"


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.htm", ".json"])
def test_an_unknown_ending_is_refused_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"Name a file that ends in \.html, \.json, \.xml"):
        check_report_path(tmp_path / name)


def test_the_case_of_the_ending_does_not_matter(tmp_path: Path) -> None:
    write_report(sample.run("green"), tmp_path / "RUN.HTML")
    assert (tmp_path / "RUN.HTML").is_file()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"folder .*/missing of the report does not exist\. Make it first"):
        check_report_path(tmp_path / "missing" / "run.json")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(ReportError, match=r"run\.json is a folder"):
        check_report_path(tmp_path / "run.json")


def test_a_folder_that_takes_no_files_is_refused() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no folder here that refuses root too")
    with pytest.raises(ReportError, match=r"cannot be written \(.*\)\. Name a folder"):
        check_report_path(Path("/proc/run.json"))


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_report_path(tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


def test_a_report_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")
    write_report(sample.run("green"), path)
    assert json.loads(path.read_text("utf-8"))["verdict"] == "green"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_does_not_fit_leaves_the_old_one_and_says_how_to_get_it(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from dashboard.report import ReportError, write_report
from tests.dashboard import sample_records as sample
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_report(sample.run("green"), Path(sys.argv[1]))
except ReportError as error:
    print(error)
"""
    (tmp_path / "run.json").write_text("old")
    command = [sys.executable, "-c", code, str(tmp_path / "run.json")]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True, check=True
    )
    assert "could not be written (File too large)" in done.stdout
    assert "history export 20261123-084512-3f9c1a --to FILE" in done.stdout
    assert (tmp_path / "run.json").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "run.json"]


# ---------------------------------------------------------------------- printable text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – naïve ✓", "plain – naïve ✓"),
        ("a\tb", "a\tb"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x1b[2Jx\x1by", "x\\x1by"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\x9b31m\u202e\ufeff", "\\x9b31m\\u202e\\ufeff"),
    ],
)
def test_text_is_made_safe_to_print(text: str, shown: str) -> None:
    assert printable(text) == shown
