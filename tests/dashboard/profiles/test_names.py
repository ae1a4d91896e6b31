"""Names of models: two of them are two counts, so what names none must not pass for one."""

from __future__ import annotations

import pytest

from tests.corpus.judged import judged

END = "✓ LLaVa model loaded successfully"


def verdict_of(one: str, other: str) -> tuple[str, str]:
    log = "\n".join((f"Loading LLaVa model: {one}", END, f"Loading LLaVa model: {other}", END))
    found = judged(log.encode()).verdict
    return found.verdict, found.reasons[0].code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("llava-hf/llava-1.5-7b-hf on cuda", "llava-hf/llava-1.5-13b-hf on cuda"),
        ("/models/a", "/models/b"),
        ("model-a", "model-b"),
        ("tiny_llava", "tiny_vicuna"),
        ("model=a/x thread=1", "model=a/y thread=2"),
        ("a.gguf", "b.gguf"),
    ],
)
def test_two_models_are_two_counts(one: str, other: str) -> None:
    assert verdict_of(one, other) == ("green", "loaded_once")
    assert verdict_of(one, one) == ("red", "loaded_twice")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/Llava-7B on cuda", "A/LLAVA-7b on cuda"),
        ("/models/llava", "/models/llava/"),
        ("./models/llava", "models/llava"),
        ("a/x on cuda:0", "a/x on cuda:1"),
    ],
)
def test_one_model_is_one_however_it_is_written(one: str, other: str) -> None:
    assert verdict_of(one, other) == ("red", "loaded_twice")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Thread-1 (get)", "Thread-2 (get)"),
        ("ThreadPoolExecutor-0_0", "ThreadPoolExecutor-0_1"),
        ("asyncio_0", "asyncio_1"),
        ("Dummy-1", "MainThread"),
        ("variant_a", "variant_b"),
        ("job1-variant2", "job1-variant3"),
        ("(llava-worker-1)", "(llava-worker-2)"),
        ("#1", "#2"),
        ("1/2", "2/2"),
        ("2026-11-23T07:10:47", "2026-11-23T07:10:48Z"),
        ("3f2b9c1e-1111-4222-8333-123456789abc", "4f2b9c1e-1111-4222-8333-123456789abc"),
        ("torch.float16", "torch.bfloat16"),
        ("cuda:0", "cuda:1"),
        ("starting...", "please wait"),
        ("시작", "대기"),
        ("thread=1", "thread=2"),
    ],
)
def test_what_names_no_model_opens_no_count(one: str, other: str) -> None:
    assert verdict_of(one, other) == ("red", "loaded_twice")


def test_a_word_that_may_name_a_model_or_a_caller_proves_nothing() -> None:
    assert verdict_of("prod", "canary") == ("inconclusive", "models_unknown")
    assert verdict_of("prod", "a/x") == ("inconclusive", "models_unknown")
    assert verdict_of("prod", "prod") == ("red", "loaded_twice")


def test_one_start_with_a_doubtful_name_is_still_one() -> None:
    assert judged(f"Loading LLaVa model: prod\n{END}".encode()).verdict.verdict == "green"


@pytest.mark.parametrize(
    "begun", ["Loading LLaVa", "Loading LLaVa ", "Loading LLaVa mod", "loading LLaVA mode"]
)
def test_a_start_in_the_middle_of_another_is_the_second(begun: str) -> None:
    whole = "Loading LLaVa model: a/x on cuda"
    log = f"{begun}{whole}\nel: a/x on cuda\n{END}\n"
    found = judged(log.encode()).verdict
    assert (found.verdict, found.counts.load_started) == ("red", 2)
    assert judged(f"Loading LLaVa\n{whole}\n{END}\n".encode()).verdict.counts.load_started == 1
