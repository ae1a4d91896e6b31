"""What the field reports, produced for real and judged as a user's log: each leads to its cause."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.diagnosis import diagnose
from dashboard.evidence import Variant
from dashboard.verdict import judge
from tests.corpus.judged import judged
from tests.dashboard.worker_log import good_trial, names
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda\n"


def printed_by(program: str, *arguments: str) -> str:
    """Run one of the programs of `tests/field_errors` and return what it prints, tracebacks and all."""
    return subprocess.run(
        [sys.executable, "-m", f"tests.field_errors.{program}", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=300,
    ).stdout


def findings_of(log: str) -> tuple[str, list[str]]:
    found = judged(log.encode())
    return found.verdict.verdict, [finding.code for finding in found.findings]


def test_a_library_that_two_threads_import_at_once() -> None:
    log = printed_by("concurrent_import")
    assert "partially initialized module" in log
    assert findings_of(log) == ("inconclusive", ["concurrent_import", "unfinished"])


def test_a_tokenizer_that_two_threads_share_is_no_race_of_the_load() -> None:
    log = printed_by("tokenizer_race")
    assert log.endswith("RuntimeError: Already borrowed\n")
    assert findings_of(log) == ("green", [])  # the log shows one whole load
    error = f"HTTP 500: {log.splitlines()[-1]}"
    trial = good_trial()
    refused = Variant("job-1", names(4)[3], "failed", status=500, error=error)
    evidence = replace(trial, variants=(*(trial.variants or ()), refused))
    codes = [finding.code for finding in diagnose(evidence, judge(evidence))]
    assert codes[0] == "tokenizer_race"
    assert not {"lock_not_used", "lock_per_call"} & set(codes)


def test_a_tokenizer_race_beside_a_race_of_the_load_is_told_after_it() -> None:
    log = BEGIN + printed_by("tokenizer_race")
    colour, codes = findings_of(log)
    assert (colour, codes[0]) == ("red", "lock_not_used")
    assert "tokenizer_race" in codes


def test_an_awaited_thing_of_another_event_loop() -> None:
    log = printed_by("event_loop")
    assert "attached to a different loop" in log
    assert "no running event loop" in log
    assert findings_of(log) == ("inconclusive", ["event_loop", "unfinished"])


def test_a_wait_for_the_lock_of_a_file() -> None:
    log = printed_by("file_lock")
    assert "Still waiting to acquire lock on" in log
    assert "could not be acquired" in log
    assert findings_of(log) == ("inconclusive", ["file_lock", "unfinished"])


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "words", "code"),
    [
        ("cut off", "SafetensorError", "corrupt_shard"),
        ("missing", "model-0", "missing_shard"),
        ("no memory", "DefaultCPUAllocator", "out_of_memory"),
    ],
)
def test_a_checkpoint_or_a_memory_that_is_not_whole(
    demo_checkpoint: Path, what: str, words: str, code: str
) -> None:
    log = printed_by("broken_files", str(demo_checkpoint), what)
    assert words in log
    colour, codes = findings_of(log)
    assert colour != "green"
    assert codes[0] == code


def test_cuda_after_a_fork_in_the_words_of_torch() -> None:
    # There is no GPU where tests run: these are the words of the torch that is installed
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    source = (Path(spec.origin).parent / "cuda" / "__init__.py").read_text("utf-8")
    words = "Cannot re-initialize CUDA in forked subprocess. To use CUDA with "
    assert words in source
    log = f"{BEGIN}RuntimeError: {words}multiprocessing, you must use the 'spawn' start method\n"
    assert findings_of(log) == ("inconclusive", ["forked_after_cuda", "unfinished"])


def wait_for_both(log: Path, service: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 180
    while log.read_bytes().count(b"Application startup complete") < 2:
        assert service.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < until, log.read_text("utf-8")
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.wait(0.1)


@pytest.mark.slow
def test_several_worker_processes_of_uvicorn(tmp_path: Path) -> None:
    path, started = tmp_path / "service.log", tmp_path / "started"
    started.mkdir()
    command = [sys.executable, "-m", "uvicorn", "tests.field_errors.eager_service:app", "--workers", "2"]
    with path.open("wb") as log:
        service = subprocess.Popen(
            [*command, "--port", str(free_port())],
            cwd=ROOT,
            env={**os.environ, "STARTED": str(started)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for_both(path, service)
        finally:
            service.terminate()
            service.wait(60)
    colour, codes = findings_of(path.read_text("utf-8"))
    assert (colour, codes) == ("inconclusive", ["several_processes"])
