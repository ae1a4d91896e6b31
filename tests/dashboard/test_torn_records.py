"""Records of an engine that hold a piece of a line each: what is in the line is found wherever it was cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.log_verdict import judge_log
from dashboard.sieve import Sieve
from dashboard.torn_records import mended

BAR = "\rLoading weights:  40%|████      | 40/113 [00:01<00:02]"
START = "Loading LLaVa model: a/x on cuda"
LINE = f"{START}{BAR}{START}{BAR}{BAR}✓ LLaVa model loaded successfully"


def docker(pieces: list[str], stream: str = "stderr") -> list[str]:
    ends = ["\n" if number == len(pieces) - 1 else "" for number in range(len(pieces))]
    return [
        json.dumps(
            {"log": piece + end, "stream": stream, "time": "2026-11-23T07:10:47.1Z"}, separators=(",", ":")
        )
        for piece, end in zip(pieces, ends, strict=True)
    ]


def cri(pieces: list[str], stream: str = "stderr") -> list[str]:
    tags = ["F" if number == len(pieces) - 1 else "P" for number in range(len(pieces))]
    return [
        f"2026-11-23T07:10:47.{number}23Z {stream} {tag} {piece}"
        for number, (tag, piece) in enumerate(zip(tags, pieces, strict=True))
    ]


def verdict_of(lines: list[str], size: int) -> tuple[str, int]:
    """Judge lines as a file that is read in blocks of so many lines."""
    blocks = ["\n".join(lines[at : at + size]).encode() for at in range(0, len(lines), size)]
    found = judge_log(map(Sieve("log").sift_block, mended(blocks))).verdict
    return found.verdict, found.counts.load_started


@pytest.mark.parametrize("records", [docker, cri])
@given(cuts=st.sets(st.integers(1, len(LINE) - 1), max_size=6), size=st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_a_second_start_is_seen_wherever_the_line_was_cut(records, cuts: set[int], size: int) -> None:
    at = [0, *sorted(cuts), len(LINE)]
    pieces = [LINE[begin:end] for begin, end in pairwise(at)]
    lines = [*records(["INFO: ready"]), *records(pieces), *records(["INFO: done"])]
    assert verdict_of(lines, size) == ("red", 2)


@pytest.mark.parametrize("records", [docker, cri])
def test_pieces_of_two_streams_are_not_put_together(records) -> None:
    lines = [*records([f"{START} Loading LLa", "x"], "stdout")[:1], *records(["Va model: b"], "stderr")]
    assert b"LLaVa model: b" not in b"\n".join(mended(["\n".join(lines).encode()]))


@pytest.mark.parametrize("records", [docker, cri])
def test_whole_records_and_a_last_piece_stay_as_they_are(records) -> None:
    data = "\n".join([*records(["one"]), *records(["two"]), records(["cut", "x"])[0]]).encode()
    assert b"\n".join(mended(data.split(b"\n"))) == data


@pytest.mark.parametrize(
    "data", [b"", b"Loading LLaVa model\nx", b"{}\n{", b"2026-11-23T07:10:47.1Z x P y\nz"]
)
def test_another_log_is_passed_on(data: bytes) -> None:
    assert list(mended([data] if data else [])) == ([data] if data else [])


def test_a_line_that_never_ends_is_not_kept(monkeypatch) -> None:
    monkeypatch.setattr("dashboard.torn_records._MOST", 1000)
    blocks = [line.encode() for line in cri(["x" * 300] * 50)[:-1]]
    sizes = [len(block) for block in mended(blocks)]
    assert len(sizes) > 5
    assert sum(sizes) >= 49 * 300
