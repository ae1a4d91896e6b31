"""The corpus: logs whose truth is known, read as the console reads them, beside what grep would count."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dashboard.evidence import Evidence
from dashboard.verdict import judge
from tests.corpus.judged import (
    COLOURS,
    HERE,
    NAMES,
    TRUTH,
    confusions,
    content,
    evidence_of,
    judged,
    read_slowly,
    sifted_events,
)

GREEN = [name for name in NAMES if TRUTH[name]["verdict"] == "green"]


@pytest.mark.parametrize("name", NAMES)
def test_a_log_gets_the_verdict_and_the_counts_that_are_true_of_it(name: str) -> None:
    verdict, truth = judged(content(name)).verdict, TRUTH[name]
    codes = sorted({reason.code for reason in verdict.reasons})
    assert (verdict.verdict, codes) == (truth["verdict"], sorted(truth["codes"])), truth["why"]
    counts = verdict.counts
    seen = [counts.load_started, counts.load_completed, counts.meta_tensor_errors]
    assert seen == truth["counts"], truth["why"]


@pytest.mark.parametrize("name", NAMES)
def test_line_by_line_a_log_tells_the_same_as_in_blocks(name: str) -> None:
    assert sifted_events(content(name)) == read_slowly([content(name)]).events()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [1, 7, 64])
def test_the_chunks_in_which_a_log_arrives_change_nothing(name: str, step: int) -> None:
    data = content(name)
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    assert judge(evidence_of(read_slowly(chunks))) == judge(evidence_of(read_slowly([data])))


@pytest.mark.parametrize("name", NAMES)
def test_lines_that_are_delivered_twice_count_once(name: str) -> None:
    assert read_slowly([content(name)], times=2).events() == read_slowly([content(name)]).events()


@pytest.mark.parametrize("name", GREEN)
def test_a_green_log_that_is_cut_behind_any_line_is_never_red(name: str) -> None:
    lines = content(name).splitlines(keepends=True)
    for count in range(len(lines)):
        assert judged(b"".join(lines[:count])).verdict.verdict != "red", count


def test_the_corpus_is_judged_right_throughout_and_grep_is_not() -> None:
    ours, grep = confusions()
    assert (ours.right, ours.false_greens) == (len(NAMES), 0)
    assert grep.right < ours.right
    assert grep.false_greens > 0


def test_the_corpus_holds_many_logs_of_each_truth() -> None:
    assert len(NAMES) >= 60
    for colour in COLOURS:
        assert sum(truth["verdict"] == colour for truth in TRUTH.values()) >= 15, colour


def test_every_log_has_its_truth_and_a_line_that_says_why() -> None:
    assert {path.stem for path in HERE.glob("*.log")} == set(TRUTH)
    assert len({truth["why"] for truth in TRUTH.values()}) == len(TRUTH)


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_tells_what_a_count_of_lines_would_say(name: str) -> None:
    assert sum(b"Loading LLaVa model" in line for line in content(name).split(b"\n")) == TRUTH[name]["grep"]


def test_the_table_can_be_printed() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.corpus"],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{len(NAMES)} logs" in printed.stdout
    assert "WRONG" not in printed.stdout


def test_more_workers_than_one_may_be_expected_of_a_log_without_pids() -> None:
    seen = read_slowly([content("guide-two-processes-untold")])
    verdict = judge(Evidence(events=seen.events(), expected_workers=2))
    assert [reason.code for reason in verdict.reasons] == ["workers_unknown"]
