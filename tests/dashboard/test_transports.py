"""What carries a log: a line of our worker is read behind whatever is put before it, and never within one."""

from __future__ import annotations

import json

import pytest

from dashboard.transports import unwrapped
from tests.corpus.judged import judged
from tests.dashboard.worker_log import WorkerLog

ONE = WorkerLog().ask("a", "b").load().lines
OTHER = WorkerLog("bb22").ask("a", "b").load().lines
TWICE = WorkerLog().load().load().lines

WRAPPED = {
    "docker logs -t": "2026-11-23T07:10:47.123456789Z {line}",
    "CRI": "2026-11-23T07:10:47.123456789+09:00 stdout F {line}",
    "compose": "loadonce-worker-1  | {line}",
    "compose with times": "worker-1  | 2026-11-23T07:10:47.123456789Z {line}",
    "a container of a name": "worker  | {line}",
    "Swarm": "svc_llava.1.x9abc@node-1    | {line}",
    "Kubernetes": "[pod/llava-0/app] {line}",
    "journald": "Nov 23 07:10:47 gpu-04 llava[812]: {line}",
    "journald, ISO": "2026-11-23T07:10:47+0000 gpu-04 llava[812]: {line}",
    "syslog": "<30>1 2026-11-23T07:10:47.123Z gpu-04 llava 812 - - {line}",
}


def wrapped(way: str, lines: list[str]) -> bytes:
    if way == "json-file":
        records = [
            {"log": f"{line}\n", "stream": "stdout", "time": "2026-11-23T07:10:47.1Z"} for line in lines
        ]
        return "\n".join(map(json.dumps, records)).encode()
    return "\n".join(WRAPPED[way].format(line=line) for line in lines).encode()


@pytest.mark.parametrize("way", [*WRAPPED, "json-file"])
def test_our_workers_are_told_apart_behind_what_carries_their_log(way: str) -> None:
    two = judged(wrapped(way, [*ONE, *OTHER])).verdict
    assert (two.verdict, two.counts.workers, two.counts.load_started) == ("green", 2, 2)
    assert judged(wrapped(way, TWICE)).verdict.verdict == "red"
    assert judged(wrapped(way, ONE[:-1])).verdict.reasons[0].code == "unfinished"


@pytest.mark.parametrize(
    "text",
    [
        "prompt: {line}",
        "user | {line}",
        '{{"log": "{line}", "user": "x"}}',
        '{{"log": 7}}',
        '{{"log":',
        '{{"message": "{line}"}}',
        "2026-11-23T07:10:47.1Z somebody said {line}",
        "Nov 23 07:10:47 gpu-04 llava {line}",
    ],
)
def test_a_line_that_stands_elsewhere_in_another_stays_what_it_is(text: str) -> None:
    whole = text.format(line="event=started")
    assert unwrapped(whole) == whole


def test_a_log_that_is_delivered_twice_is_the_same_log() -> None:
    assert judged("\n".join([*ONE, *ONE]).encode()).verdict.verdict == "green"
    assert judged("\n".join([*TWICE, *TWICE]).encode()).verdict.counts.load_started == 2
