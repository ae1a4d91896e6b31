"""Logs as threads of one process would write them: a race is never green, one guarded load never red."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.judged import judged

EXAMPLES = int(os.environ.get("LOADONCE_FUZZ_EXAMPLES", "200"))
SPELLINGS = ("Loading LLaVa model", "Loading LLaVA model", "loading llava model", "Loading LLaVA-NeXT model")
NAMES = (
    "",
    ": llava-hf/llava-1.5-7b-hf on cuda",
    "...",
    " (thread {n})",
    ": request_id={n}",
    " for variant-{n}",
    ": ThreadPoolExecutor-0_{n}",
    ": job1-variant{n}",
    ": #{n}",
    ": caller{n}",
    ": torch.float{n}",
)
ENDS = (
    "✓ LLaVa model loaded successfully on cuda",
    "Model loaded successfully",
    "LLaVA model loaded successfully",
)
STEPS = (
    "Downloading/loading processor from Hugging Face...",
    "Downloading/loading model from Hugging Face...",
    "Loading checkpoint shards:  67%|██████▋   | 2/3 [00:09<00:04,  4.41s/it]",
    "✓ Model loaded with FP16 (quantization disabled)",
)
PREFIXES = (
    "",
    "[Thread-{n}] ",
    "2026-11-23 07:10:47,123 - svc - INFO - ",
    "2026-11-23 07:10:47.123 | INFO     | svc:load:12 - ",
    "Thread-{n}  | ",
    "\x1b[32mINFO\x1b[0m ",
    "INFO:ThreadPoolExecutor-0_{n}:",
    "2026-11-23 07:10:47 [pid 7 tid {n}] ",
    "worker-{n}  | ",
    '{{"thread": {n}, "process": 7, "message": "',
)
NOISE = (
    "",
    'INFO:     172.18.0.1:40112 - "POST /api/evaluate HTTP/1.1" 200 OK',
    'DEBUG request body: {"prompt": "Loading LLaVa model"}',
    "$ docker logs api | grep -c 'Loading LLaVa model'",
    "waiting for another thread loading LLaVa model",
    "Whisper model loaded successfully",
    "모델 로딩 완료",
)


@st.composite
def race(draw: st.DrawFn, threads: int) -> bytes:
    """What so many threads print that each load the model: each one's lines in order, all of them in any."""
    spelling, name, end, prefix = (draw(st.sampled_from(each)) for each in (SPELLINGS, NAMES, ENDS, PREFIXES))
    stories = {
        n: [f"{spelling}{name}", *draw(st.lists(st.sampled_from(STEPS), max_size=3)), end]
        for n in range(1, threads + 1)
    }
    lines = []
    if draw(st.booleans()):
        lines.append("INFO:     Started server process [7]")
    while stories:
        n = draw(st.sampled_from(sorted(stories)))
        lines.append(prefix.format(n=n) + stories[n].pop(0).format(n=n))
        if not stories[n]:
            del stories[n]
        lines += draw(st.lists(st.sampled_from(NOISE), max_size=1))
    text = ""
    for line in lines:
        # Threads print the words and the line's end one after the other, so that lines join
        text += line + draw(st.sampled_from(("\n", "\n", "\n", "\r\n", "" if not prefix else "\n")))
    return text.encode()


@given(log=st.integers(2, 4).flatmap(race))
@settings(max_examples=EXAMPLES, deadline=None)
def test_threads_that_each_load_are_never_green(log: bytes) -> None:
    assert judged(log).verdict.verdict != "green"


@given(log=st.just(1).flatmap(race))
@settings(max_examples=EXAMPLES, deadline=None)
def test_one_thread_that_loads_for_all_is_never_red(log: bytes) -> None:
    assert judged(log).verdict.verdict != "red"
