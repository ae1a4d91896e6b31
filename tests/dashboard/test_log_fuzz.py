"""The parser under any bytes: it never falls, both its paths agree, and its work grows with the length only.

`make fuzz` repeats this module with other seeds for ten minutes; CI runs a fixed number of examples.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]  # no other way to see a repetition's bound
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import writers
from dashboard.diagnosis import diagnose
from dashboard.evidence import LogLine
from dashboard.logs import shown_lines
from dashboard.profiles import PROFILES, echoes, marks, shape
from dashboard.sieve import Sieve
from dashboard.timeline import Timeline
from dashboard.verdict import judge
from tests.corpus.judged import COLOURS, evidence_of, judged, read_slowly
from tests.dashboard.log_changes import ANY_LOG, CORPUS_LINES

EXAMPLES = int(os.environ.get("LOADONCE_FUZZ_EXAMPLES", "400"))


@given(log=ANY_LOG)
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_bytes_get_a_verdict_that_can_be_told(log: bytes) -> None:
    seen = evidence_of(read_slowly([log]))
    verdict = judge(seen)
    assert verdict.verdict in COLOURS
    assert bool(diagnose(seen, verdict)) == (verdict.verdict != "green")
    assert json.dumps([each.text for each in verdict.reasons], ensure_ascii=False).encode() != b"[]"


@given(log=ANY_LOG, size=st.integers(1, 12))
@settings(max_examples=EXAMPLES, deadline=None)
def test_in_blocks_of_any_size_a_log_tells_what_its_lines_tell(log: bytes, size: int) -> None:
    lines = log.split(b"\n")
    quickly, sieve = Timeline(), Sieve("log")
    for at in range(0, len(lines), size):
        for line, before in sieve.sift_block(b"\n".join(lines[at : at + size])).telling:
            quickly.feed(line, before=before)
    slowly = Timeline()
    for number, text in enumerate(shown for line in lines for shown in shown_lines(line)):
        slowly.feed(LogLine("log", number, "stdout", 0.0, text))
    assert quickly.events() == slowly.events()
    assert quickly.strays() == slowly.strays()


# -- linear in the length ---------------------------------------------------------------------------------


def expressions() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for module in (echoes, marks, shape, writers):
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield f"{module.__name__}.{name}", value
    for profile in PROFILES.values():
        yield from ((each.anchor.decode(), each.expression) for each in profile.patterns)
        for other in (profile.process, profile.hushed_by):
            if other is not None:
                yield profile.name, other
    yield from ((anchor.decode(), expression) for _, anchor, expression in marks.MARKS)


def unbounded(parsed: Any) -> bool:
    """Whether a repetition without a bound stands anywhere in a parsed expression."""
    for code, argument in parsed:
        if code in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            if argument[1] is _constants.MAXREPEAT or unbounded(argument[2]):
                return True
        elif code is _constants.BRANCH:
            if any(map(unbounded, argument[1])):
                return True
        elif code is _constants.SUBPATTERN and unbounded(argument[-1]):
            return True
    return False


@pytest.mark.parametrize(("name", "expression"), list(expressions()))
def test_no_expression_that_meets_a_log_repeats_without_a_bound(
    name: str, expression: re.Pattern[Any]
) -> None:
    assert not unbounded(_parser.parse(expression.pattern, expression.flags & ~re.UNICODE)), name


def test_a_repetition_without_a_bound_would_be_found() -> None:
    assert unbounded(_parser.parse(r"(?:a|(b+))"))
    assert not unbounded(_parser.parse(r"(?:a|(b{1,9}))"))


HOSTILE = {
    "starts without end": b"Loading LLaVa model: a on cuda\n",
    "one line of starts": b"Loading LLaVa model ",
    "halves of a phrase": b"Loading LLa\n",
    "new models": None,
    "new containers": None,
    "quotes": b'prompt: "\'\\" Loading LLaVa model ',
    "carriage returns": b"Loading weights:  1%|x| 1/9\r",
    "processes": b"INFO:     Started server process [7]\n",
    "lines of ours": next(line for line in CORPUS_LINES if b"event=started" in line) + b"\n",
}


def hostile(name: str, count: int) -> bytes:
    text = HOSTILE[name]
    if text is not None:
        return text * count
    form = (
        b"Loading LLaVa model: m%d on cuda\n" if name == "new models" else b"api-%d  | Loading LLaVa model\n"
    )
    return b"".join(form % (number % 9999) for number in range(count))


def calls_of(data: bytes) -> int:
    """Count the calls that judging takes: a machine that is busy counts the same."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        judged(data)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", HOSTILE)
def test_four_times_the_log_is_four_times_the_work(name: str) -> None:
    judged(hostile(name, 1))  # what is only done once is done
    assert calls_of(hostile(name, 1000)) < 4.5 * calls_of(hostile(name, 250))
