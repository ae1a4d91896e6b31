"""Properties of a log's verdict: whatever happens to a log on its way, red never becomes green."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.verdict import judge, red_facts
from tests.corpus.judged import content, evidence_of, judged, read_slowly
from tests.dashboard.log_changes import ANY_LINE, GREEN, PREFIXES, RED

OTHER_SERVICE = b"".join(
    b"other-svc-1  | " + line
    for line in (
        b"Loading LLaVa model: a/b on cuda\n",
        "✓ LLaVa model loaded successfully on cuda\n".encode(),
    )
)
TORN = {"guide-lines-torn"}
"""Halves of words: twice each they are no words any more."""


def colour_of(data: bytes) -> str:
    return judged(data).verdict.verdict


@pytest.mark.parametrize("name", RED)
def test_once_a_fact_is_red_no_later_line_makes_the_log_green(name: str) -> None:
    lines, red = content(name).splitlines(keepends=True), False
    for count in range(1, len(lines) + 1):
        part = b"".join(lines[:count])
        red = red or bool(red_facts(evidence_of(read_slowly([part]))))
        assert not red or colour_of(part) != "green", count


@pytest.mark.parametrize("name", RED)
def test_a_red_log_without_its_last_lines_is_green_only_where_the_rest_is_one_whole_load(name: str) -> None:
    lines = content(name).splitlines(keepends=True)
    for count in range(len(lines)):
        verdict = judged(b"".join(lines[:count])).verdict
        if verdict.verdict == "green":
            counts = verdict.counts
            assert counts.load_started == counts.load_completed
            assert (counts.load_failed, counts.meta_tensor_errors) == (0, 0)


@given(name=st.sampled_from(RED), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_red_log_that_is_cut_in_the_middle_of_a_line_is_green_only_as_a_whole_load(
    name: str, data: st.DataObject
) -> None:
    whole = content(name)
    verdict = judged(whole[: data.draw(st.integers(0, len(whole)))]).verdict
    if verdict.verdict == "green":
        assert verdict.counts.load_started == verdict.counts.load_completed


@given(name=st.sampled_from(RED), data=st.data())
@settings(max_examples=150, deadline=None)
def test_lines_of_others_between_those_of_a_red_log_make_it_no_green(name: str, data: st.DataObject) -> None:
    lines = content(name).split(b"\n")
    for at, line in data.draw(st.lists(st.tuples(st.integers(0, len(lines)), ANY_LINE), max_size=12)):
        lines.insert(at, line)
    assert colour_of(b"\n".join(lines)) != "green"


@given(name=st.sampled_from(RED), data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_good_load_of_another_container_makes_a_red_log_no_green(name: str, data: st.DataObject) -> None:
    lines = content(name).split(b"\n")
    lines.insert(data.draw(st.integers(0, len(lines))), OTHER_SERVICE)
    assert colour_of(b"\n".join(lines)) != "green"


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", RED)
def test_a_prefix_before_each_line_makes_a_red_log_no_green(name: str, prefix: bytes) -> None:
    assert colour_of(b"".join(prefix + line for line in content(name).splitlines(keepends=True))) != "green"


@given(name=st.sampled_from(RED), data=st.data())
@settings(max_examples=100, deadline=None)
def test_chunks_of_any_size_delivered_twice_tell_what_the_file_tells(name: str, data: st.DataObject) -> None:
    whole = content(name)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=30)) | {0, len(whole)})
    chunks = [whole[begin:end] for begin, end in itertools.pairwise(cuts)]
    assert judge(evidence_of(read_slowly(chunks, times=2))).verdict == colour_of(whole)


@pytest.mark.parametrize("name", [name for name in GREEN if not name.startswith("ours") and name not in TORN])
def test_a_log_that_really_has_each_line_twice_is_not_green(name: str) -> None:
    # Two handlers of one logger, or two threads without a lock: the log cannot tell, so it proves nothing
    doubled = b"".join(line * 2 for line in content(name).splitlines(keepends=True))
    assert colour_of(doubled) != "green"
