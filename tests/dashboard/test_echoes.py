"""What a line only repeats: each echo stands beside the line that looks like it and really says so."""

from __future__ import annotations

import pytest

from tests.corpus.judged import judged

START = "Loading LLaVa model"
END = "LLaVa model loaded successfully"


def counted(*lines: str) -> tuple[int, int]:
    counts = judged("\n".join(lines).encode()).verdict.counts
    return counts.load_started, counts.load_completed


@pytest.mark.parametrize(
    ("echo", "real"),
    [
        (f"$ docker logs x | grep -c '{START}'", f"$ docker logs x\n{START}"),
        (f'# rg "{START}" app.log', f"# app.log\n{START}"),
        (f"number of '{START}'", f"number 3 '{START}'"),
        (f"{START} 횟수: 1", f"{START}: 7b"),
        (f'    print(f"{START}: {{name}} on {{device}}")', f"    {START}: name on device"),
        (f'        logger.info("{START}: %s", name)', f"INFO - {START}: name"),
        (f'10.0.0.9:1 - "GET /?q={START} HTTP/1.1" 404', f'10.0.0.9:1 - "GET / HTTP/1.1" 404{START}'),
        (f'"GET / HTTP/1.1" 404 22 "-" "{START}"', f'"GET / HTTP/1.1" 404 22 "-" "curl"{START}'),
        (f"prompt='{START}'", f"msg='{START}'"),
        (f'{{"prompt": "{START}"}}', f'{{"message": "{START}"}}'),
        (f'{{"prompt": "\\"{START}"}}', f'{{"prompt": "x", "message": "{START}"}}'),
        ("waiting for loading llava model", "now loading llava model"),
        ("another thread loading LLaVa model", "this thread: loading LLaVa model"),
        (f"{START} already in progress", f"{START}... already 3 s"),
        (f"{START} took 12.3 s", f"{START} from took/llava"),
        ("another thread is loading LLaVa model", "thread 3 is loading LLaVa model"),
        ("skip loading LLaVa model: already loaded", f"{START}: already/loaded"),
        ("no need for loading LLaVa model", f"needed: {START}"),
        ("returned without loading LLaVa model", f"without delay: {START}"),
        ("it took 12.3 s loading LLaVa model", f"took it. {START}"),
        ("acquired the lock for loading LLaVa model", "acquired the lock, loading LLaVa model"),
    ],
)
def test_a_start_that_is_repeated_is_none(echo: str, real: str) -> None:
    assert counted(echo) == (0, 0), echo
    assert counted(real) == (1, 0), real


@pytest.mark.parametrize(
    ("echo", "real"),
    [
        ("Whisper model loaded successfully", "LLaVA model loaded successfully"),
        ("whisper Model loaded successfully", "[worker] Model loaded successfully"),
        ("until model loaded successfully", "the model loaded successfully"),
        ('{"model loaded successfully": false}', '{"message": "model loaded successfully"}'),
        (f"answer: '{END}'", f"message: '{END}'"),
        (f'    print(f"✓ {END} on {{device}}")', f"✓ {END} on device"),
    ],
)
def test_an_end_that_is_repeated_is_none(echo: str, real: str) -> None:
    assert counted(START, echo) == (1, 0), echo
    assert counted(START, real) == (1, 1), real


@pytest.mark.parametrize(
    "text",
    [
        f"prompt: {START}",
        f'prompt="x" {START}',
        f"question = {START}?",
        f'config={{"banner": "{START}"}}',
        f'Expected: "{START}" appears only once',
        f"--quiet  do not print '{START}'",
        f"`{START}` is printed when a load begins",
    ],
)
def test_what_may_be_either_is_neither_and_keeps_a_log_from_green(text: str) -> None:
    verdict = judged(f"{START}\n{END}\n{text}".encode()).verdict
    assert (verdict.verdict, [reason.code for reason in verdict.reasons]) == ("inconclusive", ["quoted"])


@pytest.mark.parametrize(
    "line",
    [
        "reply: 500 NotImplementedError: Cannot copy out of meta tensor; no data!",
        '{"prompt": "x", "error": "Cannot copy out of meta tensor; no data!"}',
        "raised unexpected: NotImplementedError('Cannot copy out of meta tensor; no data!')",
    ],
)
def test_an_error_is_one_wherever_it_is_told(line: str) -> None:
    assert judged(f"{START}\n{line}".encode()).verdict.verdict == "red"


@pytest.mark.parametrize(
    "line", ['prompt: "Cannot copy out of meta tensor"', "grep 'Cannot copy out of meta'"]
)
def test_an_error_in_a_prompt_or_in_a_search_is_none(line: str) -> None:
    assert judged(f"{START}\n{END}\n{line}".encode()).verdict.verdict == "green"
