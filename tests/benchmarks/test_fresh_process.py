"""Measured functions run in processes of their own, and their failures come back."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.fresh_process import BenchmarkFailed, pss_bytes, run_fresh


def own_pid() -> int:
    return os.getpid()


def libraries() -> list[str]:
    return sorted({"torch", "transformers", "accelerate"} & set(sys.modules))


def fail() -> None:
    sys.stderr.write("about to fail\n")
    raise LookupError("the words of the error")


def vanish() -> None:
    os.write(1, b"the last words\n")
    os._exit(3)


def grow() -> int:
    block = bytearray(os.urandom(1)) * 300_000_000
    seen = pss_bytes() or 0
    total = 0
    for _ in range(30):
        total += sum(block[::4096])
    return seen


pytestmark = pytest.mark.model


def test_each_call_has_a_process_of_its_own() -> None:
    first, second = run_fresh(own_pid).value, run_fresh(own_pid).value
    assert len({first, second, os.getpid()}) == 3


def test_the_process_has_the_libraries_of_a_load_imported() -> None:
    assert run_fresh(libraries).value == ["accelerate", "torch", "transformers"]


def test_an_error_comes_back_with_its_words_and_what_was_printed() -> None:
    with pytest.raises(BenchmarkFailed, match=r"(?s)the words of the error.*about to fail"):
        run_fresh(fail)


def test_a_process_that_ends_without_an_answer_is_told_with_its_last_words() -> None:
    with pytest.raises(BenchmarkFailed, match=r"(?s)ended with 3 and no answer.*the last words"):
        run_fresh(vanish)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_the_most_memory_that_it_had_is_seen_from_outside() -> None:
    outcome = run_fresh(grow, watch=True)
    assert outcome.peak_pss is not None
    assert outcome.peak_pss >= outcome.value * 0.95 > 300_000_000 * 0.95
