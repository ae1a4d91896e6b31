"""The verdict on a log alone: however many load events it tells, memory and answer stay sound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard import log_verdict
from dashboard.log_verdict import judge_log
from dashboard.sieve import Sieve, Sifted
from tests.dashboard.worker_log import WorkerLog

START = b"Loading LLaVa model: a/b on cuda"
END = "✓ LLaVa model loaded successfully on cuda".encode()
LIFE = b"INFO:     Started server process [%d]"
BAR = b"Loading weights:  50%|#| 4/8 [0]"


def sifted(*lines: bytes, times: int = 1) -> Iterator[Sifted]:
    sieve = Sieve("app.log")
    for _ in range(times):
        yield sieve.sift_block(b"\n".join(lines))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_verdict, "MOST_EVENTS", 100)


@pytest.mark.usefixtures("few")
def test_too_many_loads_to_judge_are_counted_and_never_green() -> None:
    lives = [line for pid in range(80) for line in (LIFE % pid, START, END)]
    judged = judge_log(sifted(*lives))
    assert (judged.verdict.verdict, [each.code for each in judged.verdict.reasons]) == (
        "inconclusive",
        ["gap"],
    )
    assert "more than 100 load events: 60 were counted and not judged" in judged.verdict.reasons[0].text
    assert (judged.verdict.counts.load_started, judged.verdict.counts.load_completed) == (80, 80)


@pytest.mark.usefixtures("few")
def test_a_red_fact_among_too_many_stays_one() -> None:
    judged = judge_log(sifted(START, END, times=500))
    assert judged.verdict.verdict == "red"
    assert judged.verdict.counts.load_started == 500


@pytest.mark.usefixtures("few")
def test_a_bar_with_countless_states_proves_nothing_and_costs_nothing() -> None:
    judged = judge_log(sifted(START, *[BAR] * 3000, END))
    assert (judged.verdict.verdict, judged.verdict.counts.progress_messages) == ("green", 3000)


@pytest.mark.usefixtures("few")
def test_countless_states_of_our_own_worker_are_no_gap() -> None:
    log = WorkerLog().ask("a").tell("started", 1)
    for done in range(300):
        log.tell("progress", 1, done=str(done))
    lines = [line.encode() for line in log.tell("completed", 1).lines]
    assert judge_log(sifted(*lines)).verdict.verdict == "green"
    del lines[200]
    assert [each.code for each in judge_log(sifted(*lines)).verdict.reasons] == ["gap"]
