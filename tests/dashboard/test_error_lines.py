"""The error lines of a log: few, not long, each once, and the same on both paths."""

from __future__ import annotations

from dashboard.error_lines import ErrorLines


def seen(*texts: str) -> tuple[str, ...]:
    lines = ErrorLines()
    for text in texts:
        lines.see(text)
    return lines.seen


def test_a_line_that_names_a_known_error_is_kept_once() -> None:
    assert seen("ok", "  RuntimeError: Already borrowed", "RuntimeError: Already borrowed") == (
        "RuntimeError: Already borrowed",
    )


def test_no_log_can_fill_the_memory_with_errors() -> None:
    kept = seen(*(f"{number} already borrowed {'x' * 9999}" for number in range(1000)))
    assert len(kept) == 32
    assert max(map(len, kept)) == 400


def test_eight_bits_that_do_not_fit_are_no_error() -> None:
    assert seen("8-bit quantization failed: CUDA out of memory") == ()
