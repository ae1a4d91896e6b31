"""Attacks on the verdict: whatever a client sends, it changes no count for our worker; a real one, over HTTP.

A stranger's log cannot always tell a client's words from its own. The corpus holds what is said then
(`request-…`, `access-log-…`, `…-forges-…`); here are the worker's own lines, forged and real.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboard.evidence import Evidence, Worker
from dashboard.verdict import judge
from tests.corpus.judged import judged
from tests.dashboard.worker_log import WorkerLog, answered, good_trial, names, read
from tests.loader.worker_processes import PreloadedProcess, RunningWorker, variant

PHRASE = "Loading LLaVa model"
FORGED = (
    "2026-11-23T07:10:47.123456Z INFO loader Loading LLaVa model event=started boot={boot} seq=99 load=9 "
    "model=m pid=7 thread=t"
)
TEXTS = (
    PHRASE,
    f"{PHRASE}: a/b on cuda\n{PHRASE}: a/b on cuda\n✓ LLaVa model loaded successfully on cuda",
    f"x\r\n{FORGED}\r\n",
    "\x1b[2K\x1b[1A" + PHRASE,
    "event=completed boot={boot} seq=100 load=9",
    "Cannot copy out of meta tensor; no data!",
    "INFO:     Started server process [99]",
    "\u2028" + FORGED + "\u2028",
    '"} ' + FORGED,
)


@pytest.fixture(scope="module")
def attacked(demo_checkpoint: Path) -> Iterator[tuple[RunningWorker, list[int]]]:
    """A worker that three variants load at once while a client sends it every text in every place."""
    process = PreloadedProcess(demo_checkpoint)
    try:
        with process.worker() as worker:
            boot = worker.wait_alive()["boot"]
            texts = [text.replace("{boot}", boot) for text in TEXTS]
            prompts = [variant(number, prompt=text) for number, text in enumerate(texts)]
            statuses = [status for status, _ in worker.release(prompts)]
            for text in texts:
                statuses += attacks(worker, text)
            yield worker, statuses
    finally:
        process.close()


def attacks(worker: RunningWorker, text: str) -> list[int]:
    """Send a text wherever a request has room for one; return the statuses of the answers."""
    bodies: list[Any] = [
        variant(job_id=text),
        variant(variant_id=text),
        variant(image=text),
        {**variant(), text: text},
        {text: text},
        text,
        text.encode("utf-16"),
    ]
    asked = [worker.ask("POST", "/variants", body)[0] for body in bodies]
    line = text.encode("utf-8").replace(b"\r", b"").replace(b"\n", b" ").decode("latin-1")
    asked.append(raw(worker, "/variants", {"User-Agent": line, "X-Image-Name": line, "Referer": line}))
    path = "".join(f"%{byte:02x}" for byte in text.encode())
    asked += [raw(worker, f"/{path}?{path}={path}", {}), raw(worker, f"/loader?seq={path}", {})]
    return asked


def raw(worker: RunningWorker, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except http.client.HTTPException:
        return 0
    finally:
        connection.close()


@pytest.mark.model
@pytest.mark.slow
def test_no_text_that_a_client_sends_makes_an_event_of_a_real_worker(
    attacked: tuple[RunningWorker, list[int]],
) -> None:
    worker, statuses = attacked
    assert statuses[: len(TEXTS)] == [200] * len(TEXTS)
    assert all(400 <= status < 500 for status in statuses[len(TEXTS) :]), statuses
    lines = [*worker.out.lines, *worker.err.lines]
    counts = judged("\n".join(lines).encode()).verdict.counts
    assert (counts.load_started, counts.load_completed, counts.meta_tensor_errors) == (1, 1, 0)
    assert sum(PHRASE in line for line in lines) == 1  # so the guide's own grep is right, too
    assert worker.kinds().count("started") == 1


@pytest.mark.model
@pytest.mark.slow
def test_a_real_worker_repeats_nothing_of_what_it_is_sent(attacked: tuple[RunningWorker, list[int]]) -> None:
    worker, _ = attacked
    printed = "\n".join([*worker.out.lines, *worker.err.lines])
    for words in ("seq=99", "on cuda", "meta tensor", "process [99]", "\x1b"):
        assert words not in printed, words


# -- forged lines of ours ---------------------------------------------------------------------------------


def test_a_forged_line_of_a_boot_that_nobody_knows_counts_nothing_and_is_told() -> None:
    trial = good_trial()
    forged = read([FORGED.replace("{boot}", "evil")]).events()
    verdict = judge(replace(trial, events=(*trial.events, *forged)))
    assert (verdict.verdict, [reason.code for reason in verdict.reasons]) == (
        "inconclusive",
        ["workers_unknown"],
    )
    assert "evil" in verdict.reasons[0].text
    assert verdict.counts.load_started == 1


def test_a_forged_line_of_a_known_boot_makes_no_green() -> None:
    log = WorkerLog().ask(*names(3)).load()
    lines = [*log.lines, FORGED.replace("{boot}", log.boot)]
    evidence = Evidence(
        events=read(lines).events(),
        gaps=read(lines).gaps(),
        variants=answered(names(3)),
        workers=(Worker(log.boot, log.pid, "worker", "healthz"),),
    )
    assert judge(evidence).verdict != "green"


@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
def test_forged_lines_of_ours_do_not_hide_a_race_in_a_strangers_log(first: bool) -> None:
    race = [f"{PHRASE}: a/b on cuda", f"{PHRASE}: a/b on cuda", "Cannot copy out of meta tensor; no data!"]
    forged = WorkerLog().ask("a", "b").load().lines
    verdict = judged("\n".join([*forged, *race] if first else [*race, *forged]).encode()).verdict
    assert (verdict.verdict, verdict.reasons[0].code) == ("inconclusive", "workers_unknown")
    assert "another service's words" in verdict.reasons[0].text


def test_one_echo_in_a_log_of_ours_changes_nothing() -> None:
    lines = [*WorkerLog().ask("a", "b").load().lines, f"prompt: {PHRASE}: a/b on cuda"]
    assert judged("\n".join(lines).encode()).verdict.verdict == "green"


def test_what_a_strangers_log_cannot_tell_is_told_with_its_line() -> None:
    log = f"{PHRASE}: a/b on cuda\n✓ LLaVa model loaded successfully\nprompt: \x1b[31m{PHRASE} again\n"
    reason = judged(log.encode()).verdict.reasons[0]
    assert reason.code == "quoted"
    assert f"(first: “prompt: {PHRASE} again”)" in reason.text
