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
        ('{"message": "x", "process.pid": 31}', "process 31"),
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
    assert ended_writer(log.split("\n")[1], ["llava-api-1"]) == Writer("llava-api-1", everywhere=True)
    assert ended_writer(log.split("\n")[1], ["llava-api-2"]) is None
    assert judged(log.encode()).verdict.verdict == colour


@pytest.mark.parametrize("name", ["worker", "loadonce-worker", "task-runner", "main"])
def test_a_service_called_like_a_thread_leaves_it_open_who_loaded(name: str) -> None:
    two = "\n".join(f"{name}-{1 + at % 2}  | {line}" for at, line in enumerate(RACE))
    one = "\n".join(f"{name}-1  | {line}" for line in RACE)
    found = judged(two.encode()).verdict
    assert (found.verdict, found.reasons[0].code) == ("inconclusive", "workers_unknown")
    assert judged(one.encode()).verdict.verdict == "red"
    assert judged(f"{two}\n{two}".encode()).verdict.verdict == "red"


DEATHS = (
    ("kernel: Memory cgroup out of memory: Killed process {pid} (python) total-vm:30kB", "red"),
    ("systemd[1]: llava.service: Main process exited, code=killed, status=9/KILL", "red"),
    ("systemd[1]: llava.service: Main process exited, code=killed, status=15/TERM", "inconclusive"),
    ("systemd[1]: other.service: Main process exited, code=killed, status=9/KILL", "inconclusive"),
    ("systemd[1]: llava.service: Failed with result 'oom-kill'.", "red"),
)


@pytest.mark.parametrize(("words", "colour"), DEATHS)
def test_a_unit_that_is_killed_while_it_loads_is_red_by_the_words_of_others(words: str, colour: str) -> None:
    log = f"Nov 23 07:10:47 gpu-04 llava[812]: {RACE[0]}\nNov 23 07:10:49 gpu-04 {words.format(pid=812)}"
    assert judged(log.encode()).verdict.verdict == colour


def test_another_process_that_is_killed_is_not_the_unit() -> None:
    log = f"Nov 23 07:10:47 gpu-04 llava[812]: {RACE[0]}\nNov 23 07:10:49 gpu-04 {DEATHS[0][0].format(pid=9)}"
    assert judged(log.encode()).verdict.reasons[0].code == "unfinished"


NAMED = (
    "2026-11-23 07:10:47 [pid {n}] INFO ",
    "2026-11-23 07:10:47,123 [process:{n}] INFO ",
    "2026-11-23 07:10:47,123 SpawnProcess-{n} INFO ",
    "[2026-11-23 07:10:47 +0000] [{n}] [INFO] ",
    "time=2026-11-23T07:10:47Z level=info pid={n} msg=",
)


@pytest.mark.parametrize("prefix", NAMED)
def test_a_line_that_names_its_process_tells_two_loads_apart(prefix: str) -> None:
    two = [prefix.format(n=11 + at % 2) + line for at, line in enumerate(RACE)]
    one = [prefix.format(n=11) + line for line in RACE]
    mixed = [two[0], *RACE[1:]]
    assert judged("\n".join(two).encode()).verdict.verdict == "green"
    assert judged("\n".join(two[:3]).encode()).verdict.reasons[0].code == "unfinished"
    assert judged("\n".join(one).encode()).verdict.verdict == "red"
    assert judged("\n".join(mixed).encode()).verdict.verdict == "red"
    assert judged("\n".join(reversed(mixed)).encode()).verdict.verdict == "red"


def test_a_container_that_has_ended_and_begins_again_is_another_process() -> None:
    life = "\n".join(f"llava-api-1  | {line}" for line in RACE[1:3])
    assert judged(f"{life}\nllava-api-1 exited with code 0\n{life}".encode()).verdict.verdict == "green"
    assert judged(f"{life}\nllava-api-2 exited with code 0\n{life}".encode()).verdict.verdict == "red"
    assert judged(f"{RACE[0]}\nllava-api-1 exited with code 0\n{RACE[0]}".encode()).verdict.verdict != "green"


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
