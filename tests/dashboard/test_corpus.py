"""The corpus: logs whose truth is known, read as the console reads them, beside what grep would count."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dashboard.evidence import Evidence
from dashboard.logs import LineSplitter
from dashboard.verdict import judge
from tests.dashboard.worker_log import read

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
TRUTH: dict[str, dict[str, Any]] = tomllib.loads((CORPUS / "truth.toml").read_text("utf-8"))
NAMES = sorted(TRUTH)


def content(name: str) -> bytes:
    return (CORPUS / f"{name}.log").read_bytes()


def evidence(data: bytes, *, step: int | None = None) -> Evidence:
    splitter, lines = LineSplitter(), []
    for at in range(0, len(data), step or len(data) or 1):
        lines += splitter.feed(data[at : at + (step or len(data))])
    timeline = read([*lines, *splitter.finish()])
    return Evidence(events=timeline.events(), gaps=timeline.gaps())


@pytest.mark.parametrize("name", NAMES)
def test_a_log_gets_the_verdict_that_is_true_of_it(name: str) -> None:
    verdict, truth = judge(evidence(content(name))), TRUTH[name]
    seen = sorted({reason.code for reason in verdict.reasons})
    assert (verdict.verdict, seen) == (truth["verdict"], sorted(truth["codes"])), truth["why"]


@pytest.mark.parametrize("name", NAMES)
def test_a_log_is_counted_right(name: str) -> None:
    counts, truth = judge(evidence(content(name))).counts, TRUTH[name]
    seen = [counts.load_started, counts.load_completed, counts.meta_tensor_errors]
    assert seen == truth["counts"], truth["why"]


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_tells_what_a_count_of_lines_would_say(name: str) -> None:
    lines = content(name).split(b"\n")
    assert sum(b"Loading LLaVa model" in line for line in lines) == TRUTH[name]["grep"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [1, 7, 64])
def test_the_chunks_in_which_a_log_arrives_change_nothing(name: str, step: int) -> None:
    assert judge(evidence(content(name), step=step)) == judge(evidence(content(name)))


@pytest.mark.parametrize("name", [name for name in NAMES if TRUTH[name]["verdict"] == "green"])
def test_a_green_log_that_is_cut_behind_any_line_is_never_red(name: str) -> None:
    lines = content(name).splitlines(keepends=True)
    for count in range(len(lines)):
        assert judge(evidence(b"".join(lines[:count]))).verdict != "red", count


def test_every_log_of_the_corpus_has_its_truth() -> None:
    assert {path.stem for path in CORPUS.glob("*.log")} == set(TRUTH)


def test_a_count_of_lines_calls_four_bad_logs_good() -> None:
    fooled = [
        name for name in NAMES if TRUTH[name]["grep"] == 1 and TRUTH[name]["why"].startswith("false green")
    ]
    assert len(fooled) == 4
    assert all(TRUTH[name]["verdict"] != "green" for name in fooled)


def test_more_workers_than_one_may_be_expected_of_a_log_without_pids() -> None:
    seen = evidence(content("guide-two-processes-untold"))
    verdict = judge(Evidence(events=seen.events, expected_workers=2))
    assert [reason.code for reason in verdict.reasons] == ["workers_unknown"]
