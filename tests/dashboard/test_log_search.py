"""Looking through the logs of all runs: every match, in order, in linear time, one part at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from dashboard import logpack
from dashboard.evidence import LogLine
from dashboard.log_search import find_lines, runs_that_say
from dashboard.logpack import LogPattern, PatternError, matches, pack, pack_parts, unpack
from dashboard.store import RunFilter, Store, StoreError
from tests.dashboard import sample_records as sample

TEXTS = (
    "Loading LLaVa model",
    "모델 로딩 완료",
    "half \ud800 of a character",
    "",
    "\x1b[31mERROR\x1b[0m a.b",
    "axb",
)


def lines(source: str = "trial-1", texts: tuple[str, ...] = TEXTS, first: int = 0) -> list[LogLine]:
    return [
        LogLine(source, number, "stdout", sample.START + number / 3, said)
        for number, said in enumerate(texts, first)
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (LogPattern("llava"), [0]),
        (LogPattern("llava", ignore_case=False), []),
        (LogPattern("로딩.*완료"), [1]),
        (LogPattern("half . of"), [2]),
        (LogPattern("a.b"), [4, 5]),
        (LogPattern("A.B", plain=True), [4]),
        (LogPattern("^$"), [3]),
        (LogPattern("(", plain=True), []),
    ],
)
def test_a_pattern_finds_the_lines_that_it_means(pattern: LogPattern, found: list[int]) -> None:
    hits = matches("trial-1", pack(lines()), pattern)
    assert [line.number for line in hits] == found
    assert [line for line in lines() if line.number in found] == list(hits)  # exact, half characters too


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=b)"])
def test_what_re2_does_not_know_is_refused_before_anything_is_read(pattern: str) -> None:
    with pytest.raises(PatternError, match="is no pattern of RE2"):
        LogPattern(pattern)


def test_a_pattern_that_others_choke_on_is_no_danger() -> None:
    hostile = lines(texts=("a" * 20_000 + "!",) * 3)
    assert matches("trial-1", pack(hostile), LogPattern("(a*)*(a*)*$b")) == ()


def test_a_long_log_is_kept_in_parts_that_bound_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logpack, "PART_LINES", 4)
    monkeypatch.setattr(logpack, "PART_CHARS", 50)
    whole = lines(texts=("x" * 20,) * 5 + ("y" * 200,) + ("",) * 9)
    parts = list(pack_parts(whole))
    assert [count for _, count in parts] == [2, 2, 1, 1, 4, 4, 1]
    assert [line for packed, _ in parts for line in unpack("trial-1", packed)] == whole
    assert [count for _, count in pack_parts([])] == [0]


@pytest.fixture
def kept(store: Store) -> Store:
    for number, colour in enumerate(("green", "red", "green")):
        run_id = f"run-{number}"
        store.save(sample.run(colour, run_id=run_id, created_at=sample.START + number))
        store.save_log(run_id, "trial-1", lines())
        store.add_log(run_id, "trial-1", lines(first=6))
        store.save_log(run_id, "control-1", lines("control-1", ("Loading again",)))
    return store


def test_lines_come_newest_run_first_and_each_run_in_its_order(kept: Store) -> None:
    hits = [(hit.run_id, hit.line.source, hit.line.number) for hit in find_lines(kept, LogPattern("loading"))]
    one = [("trial-1", 0), ("trial-1", 6), ("control-1", 0)]
    assert hits == [(f"run-{run}", *place) for run in (2, 1, 0) for place in one]


def test_the_runs_to_look_at_and_the_lines_of_each_can_be_limited(kept: Store) -> None:
    found = find_lines(kept, LogPattern("loading"), RunFilter(outcome="red"), per_run=2)
    assert [(hit.run_id, hit.line.number) for hit in found] == [("run-1", 0), ("run-1", 6)]


def test_runs_that_say_something_are_found_with_the_first_line(kept: Store) -> None:
    found = runs_that_say(kept, LogPattern("again"), within_s=60)
    assert {run_id: line.source for run_id, line in found.first.items()} == dict.fromkeys(
        ("run-2", "run-1", "run-0"), "control-1"
    )
    assert (found.looked_at, found.whole) == (3, True)


def test_a_search_that_runs_out_of_time_says_how_far_it_came(kept: Store) -> None:
    found = runs_that_say(kept, LogPattern("again"), within_s=-1)
    assert (dict(found.first), found.looked_at, found.whole) == ({}, 0, False)


def test_a_log_that_goes_in_the_middle_of_a_search_is_passed_over(kept: Store) -> None:
    found = find_lines(kept, LogPattern("loading"))
    assert next(found).run_id == "run-2"
    kept.drop_log("run-2", "control-1")
    assert [hit.line.source for hit in found if hit.run_id == "run-2"] == ["trial-1"]


def test_a_damaged_log_is_named(kept: Store) -> None:
    with kept._engine.begin() as connection:
        connection.execute(text("update log_parts set lines = x'00' where run_id = 'run-1'"))
    with pytest.raises(StoreError, match="log of trial-1 in run run-1 is damaged"):
        list(find_lines(kept, LogPattern("loading")))
