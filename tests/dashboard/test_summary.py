"""A finished run in words, for the terminal."""

from __future__ import annotations

import re
from dataclasses import replace

import click

from dashboard.evidence import Reason
from dashboard.summary import summary, trial_line
from tests.dashboard import sample_records as sample
from tests.dashboard.records import red_run


def test_the_summary_has_verdict_reasons_control_latencies_and_the_id() -> None:
    text = "\n".join(summary(sample.run("green")))
    for part in (
        "✓ GREEN",
        "One start, one completion",
        "Red in 1 of 1",
        "p95 0.90 s",
        "20261123-084512-3f9c1a",
    ):
        assert part in text


def test_the_summary_is_safe_to_print() -> None:
    evil = Reason("x", "\x1b]0;owned\x07 \x1b[2J now \u202e\r\nfake")
    record = replace(sample.run("red"), verdict=replace(sample.RED, reasons=(evil,)), warnings=(evil.text,))
    text = "\n".join(summary(record))
    assert not re.search(r"\x1b\[2J|\x1b\]|\x07|\u202e|\r", text)


def test_a_long_word_in_the_summary_is_never_broken() -> None:
    word = "x" * 300
    record = replace(sample.run("red"), warnings=(f"The folder {word} is gone.",))
    assert word in "\n".join(summary(record))


def test_a_control_says_that_it_was_stopped_once_it_was_red() -> None:
    control = replace(sample.trial(1, "red"), role="control", guard="off")
    assert trial_line(control, 5).startswith("control 1, guard off: red, and stopped at that, 3 starts")


def test_the_lines_of_a_cure_stand_as_they_are_to_be_typed() -> None:
    text = "\n".join(map(click.unstyle, summary(red_run())))
    assert "Code      from loader import OnceLoader" in text
    assert "            return LLAVA.get()".replace("  ", " ") in text.replace("  ", " ")


def test_a_trial_in_one_line() -> None:
    assert trial_line(sample.trial(2, "red"), 5) == (
        "trial 2 of 5: red, 3 starts, 0 completions, 3 failed loads, 2 meta tensor errors, 1 model, "
        "3 of 3 variants answered (2.50 s)"  # without a completion nobody knows who was in flight then
    )
