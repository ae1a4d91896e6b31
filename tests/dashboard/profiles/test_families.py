"""The built-in profiles on the words of the field, and which of them has a log."""

from __future__ import annotations

import re

import pytest

from dashboard.evidence import Evidence, LogEvent
from dashboard.profiles import AUTOMATIC, PROFILES
from dashboard.verdict import judge
from tests.dashboard.worker_log import read

GUIDE = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
GUIDE_END = "✓ LLaVa model loaded successfully on cuda"
NAME = "allenai/OLMoE-1B-7B-0125-Instruct"
RUNNER = "INFO 05-28 12:20:38 [model_runner.py:1170] "
START = f"{RUNNER}Starting to load model {NAME}..."
END = f"{RUNNER}Model loading took 6.4471 GiB and 169.853854 seconds"
SECOND = "(VllmWorkerProcess pid=2692) "
SIZE = "INFO 05-28 12:20:38 [parallel_state.py:1064] rank 0 in world size 2 is assigned as DP rank 0"
EMBEDDING = (
    "INFO:sentence_transformers.SentenceTransformer:Load pretrained SentenceTransformer: all-MiniLM-L6-v2"
)


def events(*texts: str, profile: str | None = None) -> tuple[LogEvent, ...]:
    return read(texts, profile=profile).events()


def kinds(*texts: str, profile: str | None = None) -> list[str]:
    return [event.kind for event in events(*texts, profile=profile)]


def verdict(*texts: str) -> tuple[str, list[str]]:
    judged = judge(Evidence(events=events(*texts)))
    return judged.verdict, sorted({reason.code for reason in judged.reasons})


# -- vLLM -------------------------------------------------------------------------------------------------


def test_one_load_of_vllm_is_one_start_and_one_end() -> None:
    assert kinds(
        START,
        "INFO 05-28 12:20:38 [weight_utils.py:291] Using model weights format ['*.safetensors']",
        "Loading safetensors checkpoint shards:  33% Completed | 1/3 [00:11<00:23, 11.91s/it]",
        "INFO 05-28 12:23:28 [default_loader.py:280] Loading weights took 64.64 seconds",
        END,
    ) == ["started", "progress", "progress", "completed"]


@pytest.mark.parametrize(
    "line",
    [
        "INFO 03-01 07:56:53 [model_runner.py:1117] Loading model weights took 2.3185 GB",
        "INFO 06-10 03:11:22 [gpu_model_runner.py:51] Model loading took 1.19 GiB memory and 1.91976 seconds",
    ],
)
def test_every_version_of_vllm_tells_its_end(line: str) -> None:
    assert kinds(START, line) == ["started", "completed"]


def test_a_start_of_vllm_names_its_model_without_the_dots() -> None:
    assert [event.model for event in events(START, END)] == [NAME, NAME]


def test_a_bar_of_vllm_tells_how_far_it_is() -> None:
    line = "Loading safetensors checkpoint shards:  33% Completed | 1/3 [00:11<00:23, 11.91s/it]"
    (event,) = events(line, profile="vllm")
    assert (event.fields["done"], event.fields["total"]) == ("1", "3")


def test_a_draft_model_is_part_of_the_load() -> None:
    draft = "INFO 05-07 02:15:46 [gpu_model_runner.py:4839] Loading drafter model..."
    assert verdict(START, draft, END) == ("green", ["loaded_once"])


def test_each_process_of_a_split_model_may_load_its_part() -> None:
    assert verdict(START, SECOND + START, END, SECOND + END) == ("green", ["loaded_once"])


def test_one_process_of_a_split_model_that_loads_twice_is_red() -> None:
    lines = (START, SECOND + START, SECOND + START, END, SECOND + END, SECOND + END)
    assert verdict(*lines) == ("red", ["loaded_twice", "overlapping_loads"])


def test_a_process_that_never_ended_is_missed_among_others() -> None:
    assert verdict(START, SECOND + START, END) == ("inconclusive", ["unfinished"])


def test_processes_that_the_lines_do_not_name_are_told_to_be_unknown() -> None:
    assert verdict(SIZE, START, START, END, END) == ("inconclusive", ["workers_unknown"])


def test_two_loads_in_the_only_process_are_red() -> None:
    assert verdict(START, END, START, END) == ("red", ["loaded_twice"])


def test_the_process_nearest_to_a_message_has_said_it() -> None:
    ray = "(EngineCore_DP0 pid=742) (RayWorkerWrapper pid=233, ip=10.20.1.125) "
    assert [event.pid for event in events(ray + START + SECOND + START)] == [233, 2692]


def test_lines_that_ray_folds_into_one_count_as_often_as_it_says() -> None:
    lines = (START, f"(RayWorkerWrapper pid=8) {START} [repeated 3x across cluster]", END)
    assert kinds(*lines).count("started") == 4
    assert verdict(*lines)[0] == "inconclusive"


def test_a_new_start_of_the_server_is_a_new_life() -> None:
    banner = "INFO 05-28 12:20:30 [api_server.py:1034] vLLM API server version 0.9.0"
    assert verdict(banner, START, END, banner, START, END) == ("green", ["loaded_once"])
    assert verdict(banner, START, banner, START, END)[0] == "inconclusive"


def test_processes_that_the_lines_name_are_new_ones_after_a_new_start_of_the_server() -> None:
    banner = "(APIServer pid=1) INFO [api_server.py:1839] vLLM API server version 0.11.0"
    core = "(EngineCore_DP0 pid=77) "
    life = (banner, core + START, core + END)
    assert verdict(*life, *life) == ("green", ["loaded_once"])
    assert verdict(*life, *life[1:]) == ("red", ["loaded_twice"])


@pytest.mark.parametrize(
    "words",
    [
        "ERROR [core.py:515] EngineCore failed to start.",
        "ERROR [multiproc_executor.py:597] WorkerProc failed to start.",
        "RuntimeError: Engine core initialization failed. See root cause above.",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 896.00 MiB.",
    ],
)
def test_a_process_that_could_not_begin_ends_its_load(words: str) -> None:
    assert verdict(START, words)[0] == "red"
    assert kinds(START, END, words) == ["started", "completed"]


def test_whoever_waited_for_a_process_may_tell_its_end() -> None:
    dead = "(APIServer pid=1) RuntimeError: Engine core initialization failed."
    (_, failed) = events(SECOND + START, dead)
    assert (failed.kind, failed.pid) == ("failed", 2692)


def test_the_prompt_of_a_logged_request_is_no_start() -> None:
    request = f"INFO 08-02 logger.py:36] Received request cmpl-1: prompt: 'Starting to load model {NAME}...'"
    assert kinds(START, END, request) == ["started", "completed"]


# -- sentence-transformers and transformers ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "model"),
    [
        (EMBEDDING, "all-MiniLM-L6-v2"),
        ("Load pretrained SparseEncoder: naver/splade-v3", "naver/splade-v3"),
        ("Loading SentenceTransformer model from sentence-transformers/all-MiniLM-L6-v2.", None),
        ("Loading CrossEncoder model from cross-encoder/ms-marco-MiniLM-L6-v2.", None),
        ("No modules.json found for bert-base, initializing a new SentenceTransformer model.", "bert-base"),
        ("Converting SentenceTransformer model some/model to MultiVectorEncoder.", "some/model"),
    ],
)
def test_a_start_of_sentence_transformers_names_its_model(line: str, model: str | None) -> None:
    (event,) = events(line)
    expected = model or line.removesuffix(".").rpartition(" ")[2]
    assert (event.kind, event.model, event.profile) == ("started", expected, "sentence-transformers")


def test_a_log_that_never_tells_an_end_is_said_to_be_of_that_kind() -> None:
    judged = judge(Evidence(events=events(EMBEDDING)))
    assert [reason.code for reason in judged.reasons] == ["unfinished"]
    assert "this kind of log never says that one has ended" in judged.reasons[0].text


def test_two_starts_without_ends_are_two_loads_and_not_said_to_overlap() -> None:
    assert verdict(EMBEDDING, EMBEDDING) == ("red", ["loaded_twice"])


def test_two_models_of_sentence_transformers_are_no_double_load() -> None:
    assert verdict(EMBEDDING, EMBEDDING.replace("all-MiniLM-L6-v2", "bge-m3"))[0] == "inconclusive"


def test_transformers_alone_tells_progress_and_errors() -> None:
    lines = ("Loading weights:  50%|#| 4/8 [0]", "Cannot copy out of meta tensor; no data!", GUIDE, START)
    assert kinds(*lines, profile="transformers") == ["progress", "meta_tensor_error"]


# -- which profile has a log ------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [(EMBEDDING, EMBEDDING), (START, END, START)])
@pytest.mark.parametrize("first", [True, False])
def test_a_log_of_the_guides_service_is_judged_by_its_own_lines_alone(
    others: tuple[str, ...], *, first: bool
) -> None:
    guide = ("Loading weights:  50%|#| 4/8 [0]", GUIDE, GUIDE_END)
    lines = (*others, *guide) if first else (*guide, *others)
    told = [(event.kind, event.profile) for event in events(*lines)]
    assert told == [("progress", "feedlyai"), ("started", "feedlyai"), ("completed", "feedlyai")]


def test_what_is_true_whoever_has_the_log_stays_when_another_takes_it_over() -> None:
    meta = "NotImplementedError: Cannot copy out of meta tensor; no data!"
    told = [(event.kind, event.profile) for event in events(meta, EMBEDDING, START)]
    assert told == [("meta_tensor_error", "vllm"), ("started", "vllm")]


def test_a_log_of_vllm_is_not_taken_over_by_an_end_that_anybody_may_print() -> None:
    assert kinds(START, END, "Model runner: Model loaded successfully.") == ["started", "completed"]


def test_without_a_name_all_but_the_mere_progress_is_tried() -> None:
    assert [each.name for each in AUTOMATIC] == ["feedlyai", "vllm", "sentence-transformers"]


def test_every_pattern_is_bounded_so_that_no_line_can_make_it_backtrack() -> None:
    expressions = [pattern.expression.pattern for each in PROFILES.values() for pattern in each.patterns]
    expressions += [each.process.pattern for each in PROFILES.values() if each.process is not None]
    widths = {text: re._parser.parse(text.decode()).getwidth()[1] for text in expressions}  # type: ignore[attr-defined]
    assert max(widths.values()) < 1000
