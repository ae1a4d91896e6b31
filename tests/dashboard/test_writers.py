"""Who wrote a line: a prefix tells containers and processes apart, and never threads."""

from __future__ import annotations

import pytest

from dashboard.writers import Writer, ended_writer, writer_of
from tests.corpus.judged import judged

RACE = (
    "Loading LLaVa model",
    "Loading LLaVa model",
    "model loaded successfully",
    "model loaded successfully",
)


@pytest.mark.parametrize(
    ("line", "writer"),
    [
        ("llava-api-1  | x", "llava-api-1"),
        ("web_2  | x", "web_2"),
        ("llava.1.x9zkq0@node-3    | x", "llava.1.x9zkq0@node-3"),
        ("[pod/llava-7d9f-k2x9q/api] x", "pod/llava-7d9f-k2x9q/api"),
        ("Nov 23 07:10:47 gpu-04 llava[812]: x", "llava[812]"),
        ("2026-11-23T07:10:47+00:00 gpu-04 llava[812]: x", "llava[812]"),
        ("(ServeReplica:default:llava pid=4242) x", "pid=4242"),
        ("(ServeReplica:llava pid=4242, ip=10.0.0.3) x", "pid=4242, ip=10.0.0.3"),
        ("[2026-11-23 07:10:47,103: WARNING/ForkPoolWorker-2] x", "ForkPoolWorker-2"),
        ("2026-11-23T07:10:47,123 [INFO ] W-9000-llava_1.0-stdout MODEL_LOG - x", "W-9000-llava_1.0"),
        ("2026-11-23T07:10:47+0000 [INFO] [runner:llava:2] x", "runner:llava:2"),
        ('{"message": "x", "process": 31}', "process 31"),
        ('{"text": "x", "record": {"process": {"id": 7}}}', "process 7"),
    ],
)
def test_a_prefix_names_a_container_or_a_process(line: str, writer: str) -> None:
    found = writer_of(line)
    assert found is not None
    assert found.name == writer


@pytest.mark.parametrize(
    "line",
    [
        "Thread-1  | x",
        "worker-1  | x",
        "variant-3  | x",
        "ThreadPoolExecutor-0_1  | x",
        "[2026-11-23 07:10:47,103: WARNING/MainProcess] x",
        "[2026-11-23 07:10:47,103: WARNING/ThreadPoolExecutor-0_1] x",
        "2026-11-23 07:10:47.123 | INFO     | svc:load:12 - x",
        "INFO:     Started server process [7]",
        '{"message": "x", "thread": 31}',
        "pid=7 x",
        "",
    ],
)
def test_what_may_be_a_thread_names_nobody(line: str) -> None:
    assert writer_of(line) is None


def test_two_loads_are_a_race_in_one_container_and_none_in_two() -> None:
    one = "\n".join(f"llava-api-1  | {line}" for line in RACE)
    two = "\n".join(f"llava-api-{1 + at % 2}  | {line}" for at, line in enumerate(RACE))
    assert (judged(one.encode()).verdict.verdict, judged(two.encode()).verdict.verdict) == ("red", "green")


@pytest.mark.parametrize(("status", "colour"), [(137, "red"), (0, "inconclusive")])
def test_the_end_of_a_container_is_its_own(status: int, colour: str) -> None:
    log = f"llava-api-1  | {RACE[0]}\nllava-api-1 exited with code {status}"
    assert ended_writer(log.split("\n")[1]) == Writer("llava-api-1", everywhere=True)
    assert judged(log.encode()).verdict.verdict == colour


def test_two_expected_workers_that_are_told_apart_are_both_judged() -> None:
    two = "\n".join(f"llava-api-{1 + at % 2}  | {line}" for at, line in enumerate(RACE))
    assert judged(two.encode(), expected_workers=2).verdict.verdict == "green"
    assert judged(two.encode(), expected_workers=3).verdict.verdict == "inconclusive"


THREADS = (
    "Thread-{n}  | ",
    "[Thread-{n}] ",
    "http-{n}  | ",
    "2026-11-23 07:10:47,123 [pool-{n}] INFO ",
    "(Thread-{n} pid=7) ",
    "Nov 23 07:10:47 gpu-04 Thread-{n}[812]: ",
    "[2026-11-23 07:10:47,103: WARNING/ThreadPoolExecutor-0_{n}] ",
    "2026-11-23T07:10:47,123 [INFO ] pool-{n} MODEL_LOG - ",
    "variant-{n} | ",
    "[{n}] ",
)


@pytest.mark.parametrize("prefix", THREADS)
def test_a_race_of_threads_is_red_whatever_names_them(prefix: str) -> None:
    log = ["INFO:     Started server process [7]"]
    log += [prefix.format(n=1 + at % 2) + line for at, line in enumerate(RACE)]
    assert judged("\n".join(log).encode()).verdict.verdict == "red"


def test_a_race_of_threads_in_json_is_red() -> None:
    log = [f'{{"message": "{line}", "process": 7, "thread": {at % 2}}}' for at, line in enumerate(RACE)]
    assert judged("\n".join(log).encode()).verdict.verdict == "red"
