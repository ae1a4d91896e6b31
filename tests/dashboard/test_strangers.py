"""Strangers' logs: occurrences and not lines, processes told apart, and unknown text that changes nothing."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.evidence import LogLine
from dashboard.profiles import PROFILES
from dashboard.timeline import Timeline
from tests.dashboard.worker_log import read

START = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
END = "✓ LLaVa model loaded successfully on cuda"
META = "NotImplementedError: Cannot copy out of meta tensor; no data!"


def kinds(*texts: str, profile: str | None = None) -> list[str]:
    return [event.kind for event in read(texts, profile=profile).events()]


def models(*texts: str) -> list[str | None]:
    return [event.model for event in read(texts).events()]


def test_one_load_of_the_guides_service_is_one_start_and_one_end() -> None:
    assert kinds(
        START,
        "Model will be saved to: /models",
        "Downloading/loading processor from Hugging Face...",
        "Downloading/loading model from Hugging Face...",
        "Loading checkpoint shards:  67%|██████▋   | 2/3 [00:09<00:04,  4.5s/it]",
        "✓ Model loaded with FP16 (quantization disabled)",
        END,
        "✓ Model cached in: /models",
    ) == ["started", "progress", "progress", "progress", "progress", "completed"]


@pytest.mark.parametrize("name", ["LLaVa", "LLaVA", "llava", "LLAVA", "LLaVA-NeXT", "LLaVa 1.5"])
def test_a_start_is_seen_in_any_spelling(name: str) -> None:
    assert kinds(f"Loading {name} model: a/b on cuda") == ["started"]


def test_starts_that_share_a_line_are_counted_one_by_one() -> None:
    assert kinds(START + START + START) == ["started"] * 3


def test_a_start_in_colours_is_seen() -> None:
    assert kinds("\x1b[32mLoading \x1b[1mLLaVa\x1b[0m model\x1b]0;title\x07: a/b") == ["started"]


@pytest.mark.parametrize(
    "text",
    [
        "모델 로딩 완료",
        "Meta tensor 오류: 0회",
        "a meta tensor",
        "waiting while loading LLaVa model",
        "+ docker logs app | grep -c 'Loading LLaVa model'",
        "Model cached in: /models",
        "CUDA out of memory",
        "Loading weights of the decision",
    ],
)
def test_words_that_only_resemble_an_event_are_none(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize("text", ["Loading weights:  10%|#  | 4/40 [00:00]", "Loading checkpoint shards: 0%"])
def test_both_progress_bars_of_transformers_are_progress(text: str) -> None:
    assert kinds(text) == ["progress"]


def test_each_update_of_a_progress_bar_is_a_message() -> None:
    assert kinds("\r".join(f"Loading weights: {n}0%|#| {n}/10 [0]" for n in range(5))) == ["progress"] * 5


def test_a_progress_bar_tells_how_far_it_is() -> None:
    (event,) = read(["Loading checkpoint shards:  67%|██████▋   | 2/3 [00:09<00:04]"]).events()
    assert (event.fields["done"], event.fields["total"]) == ("2", "3")


def test_a_start_tells_its_model() -> None:
    assert models(START, END) == ["llava-hf/llava-1.5-7b-hf"] * 2


def test_joined_starts_name_the_same_model() -> None:
    assert set(models("Loading LLaVa model: a/bLoading LLaVa model: a/bDownloading/loading model from")) == {
        "a/b"
    }


def test_a_name_that_was_cut_short_is_no_second_model() -> None:
    assert set(models(START, "Loading LLaVa model: llava-hf/lla")) == {"llava-hf/llava-1.5-7b-hf"}


def test_ends_are_put_to_the_oldest_load_when_they_name_none() -> None:
    assert models("Loading LLaVa model: a on x", "Loading LLaVa model: b on x", END, END) == [
        "a",
        "b",
        "a",
        "b",
    ]


def test_memory_that_runs_out_in_the_middle_of_a_load_is_its_failure() -> None:
    assert kinds(START, "torch.OutOfMemoryError: CUDA out of memory.") == ["started", "failed"]


def test_the_fallback_from_eight_bits_is_no_failure() -> None:
    assert "failed" not in kinds(START, "⚠ 8-bit quantization failed: CUDA out of memory. Tried …", END)


def test_a_stranger_line_that_is_delivered_twice_counts_once() -> None:
    timeline = read([START])
    assert timeline.feed(LogLine("worker", 0, "stdout", 5.0, START)) == ()


def test_server_marks_tell_processes_apart() -> None:
    mark = "INFO:     Started server process [1]"
    events = read([mark, START, END, mark, START, END]).events()
    assert [event.fields["process"] for event in events] == ["1", "1", "2", "2"]
    assert {event.pid for event in events} == {1}


def test_processes_that_begin_together_share_a_life() -> None:
    events = read(["Started server process [8]", "Started server process [9]", START]).events()
    assert [(event.fields["processes"], event.pid) for event in events] == [("2", None)]


def test_a_finished_process_makes_room_for_the_next_one() -> None:
    marks = ["Started server process [8]", "Finished server process [8]", "Started server process [9]"]
    assert [event.pid for event in read([*marks, START]).events()] == [9]


def test_the_two_streams_of_a_source_are_not_joined() -> None:
    timeline = Timeline()
    timeline.feed(LogLine("s", 0, "stdout", 0.0, "Loading LLaVa "))
    assert timeline.feed(LogLine("s", 1, "stderr", 0.0, "model: a/b")) == ()


# -- properties -------------------------------------------------------------------------------------------

STORY = [START, "Loading weights:  50%|#| 4/8 [0]", META, END, START + START, END]
unknown = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(
    lambda text: kinds(START, text) == ["started"] and not kinds("LLaVa model " + text)
)


@given(text=unknown, at=st.integers(0, len(STORY)))
@settings(max_examples=150, deadline=None)
def test_an_unknown_line_changes_nothing(text: str, at: int) -> None:
    assert kinds(*STORY[:at], text, *STORY[at:]) == kinds(*STORY)


@given(cuts=st.sets(st.integers(1, len(START + END) - 1), max_size=4))
@settings(max_examples=150, deadline=None)
def test_lines_that_are_cut_anywhere_tell_the_same(cuts: set[int]) -> None:
    whole, edges = START + END, [0, *sorted(cuts), len(START + END)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(edges)]
    assert kinds(*pieces) == ["started", "completed"]


@given(text=st.text())
@settings(max_examples=200, deadline=None)
def test_no_text_is_an_error(text: str) -> None:
    read([text, text + START, "event=" + text])


# -- long lines and threads -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "loading ",
        "loading llava ",
        "model loaded ",
        "\x1b[",
        "\x1b]",
        "cannot copy ",
        "12%|",
        "event=",
        '"',
    ],
)
def test_a_line_of_megabytes_is_read_to_its_end(unit: str) -> None:
    # Anything worse than linear would meet the suite's own timeout here.
    assert kinds(unit * (2_000_000 // len(unit)) + "\r\n " + START)[-1:] == ["started"]


def test_every_pattern_is_bounded_so_that_no_line_can_make_it_backtrack() -> None:
    expressions = [pattern.expression.pattern for each in PROFILES.values() for pattern in each.patterns]
    widths = {text: re._parser.parse(text.decode()).getwidth()[1] for text in expressions}  # type: ignore[attr-defined]
    assert max(widths.values()) < 1000
