"""The real LLaVA through the real transformers, in fresh processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from loader.llava import PHRASE
from tests.loader.fresh import WarmProcess, events_in, last_line

pytestmark = pytest.mark.model

TOGETHER = """
    import threading
    from loader import *
    from loader.llava import import_libraries
    import_libraries()
    results = []
    def ask(call=get_llava_model):
        barrier.wait()
        try:
            results.append(call())
        except Exception as error:
            results.append(error)
    def together(*calls):
        global barrier
        barrier = threading.Barrier(len(calls))
        threads = [threading.Thread(target=ask, args=(call,)) for call in calls]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
"""


@pytest.fixture
def env(demo_checkpoint: Path) -> dict[str, str]:
    return {"LOADONCE_MODEL": str(demo_checkpoint)}


def test_eight_threads_get_one_model_from_one_load(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm(
        TOGETHER + "    together(*[get_llava_model] * 8)\n    print(len({id(pair[1]) for pair in results}))",
        env,
    )
    kinds = [event.kind for event in events_in(done.stdout)]
    assert last_line(done) == "1"
    assert (kinds.count("started"), kinds.count("completed"), kinds.count("requested")) == (1, 1, 8)


def test_the_guides_grep_counts_one_load(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm(TOGETHER + "    together(*[get_llava_model] * 8)", env)
    assert sum(PHRASE in line for line in done.stdout.splitlines()) == 1


def test_the_pair_is_a_processor_and_a_model_as_in_the_guide(
    run_warm: WarmProcess, env: dict[str, str]
) -> None:
    done = run_warm(
        "from loader import get_llava_model\nprint(*[type(part).__name__ for part in get_llava_model()])", env
    )
    assert last_line(done) == "LlavaProcessor LlavaForConditionalGeneration"


def test_progress_is_what_transformers_reports(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm("from loader import get_llava_model\nget_llava_model()", env)
    progress = [event for event in events_in(done.stdout) if event.kind == "progress"]
    last = progress[-1].fields
    assert last["unit"] == "tensors"
    assert last["done"] == last["total"]
    assert 2 <= len(progress) <= 12


def test_a_completion_tells_seconds_and_memory(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm("from loader import get_llava_model\nget_llava_model()", env)
    fields = events_in(done.stdout)[-1].fields
    assert float(fields["seconds"]) > 0
    if Path("/proc/self/smaps_rollup").exists():
        assert float(fields["pss_mb"]) > 50


def test_a_text_comes_out_of_an_image_and_a_prompt(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm(
        """
        from PIL import Image
        from loader import get_llava_model
        from loader.llava import generate_text
        print("said", generate_text(get_llava_model(), "<image> what?", Image.new("RGB", (99, 40)), 16))
        """,
        env,
    )
    assert len(last_line(done).split()) > 1


def test_a_prompt_needs_no_image(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm(
        """
        from loader import get_llava_model
        from loader.llava import generate_text
        print("said", generate_text(get_llava_model(), "describe <image> <image>", None, 16))
        """,
        env,
    )
    assert len(last_line(done).split()) > 1


def test_the_dtype_asked_for_is_the_dtype_given(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm(
        "from loader import get_llava_model\nprint(get_llava_model()[1].dtype)",
        env | {"LOADONCE_DTYPE": "bfloat16"},
    )
    assert last_line(done) == "torch.bfloat16"


def test_a_load_under_a_third_partys_from_pretrained_waits_for_the_gate(
    run_warm: WarmProcess, env: dict[str, str]
) -> None:
    done = run_warm(
        TOGETHER
        + """
    import os
    from transformers import LlavaForConditionalGeneration
    guard_transformers()
    guard_transformers()
    def third_party():
        return LlavaForConditionalGeneration.from_pretrained(os.environ["LOADONCE_MODEL"], device_map="auto")
    together(get_llava_model, third_party, third_party)
    print([str(result) for result in results if isinstance(result, Exception)])
    """,
        env,
    )
    assert last_line(done) == "[]"


def test_two_models_with_a_lock_each_load_safely_through_the_gate(
    run_warm: WarmProcess, env: dict[str, str]
) -> None:
    done = run_warm(
        TOGETHER
        + """
    import os
    from loader.llava import load_llava
    model = os.environ["LOADONCE_MODEL"]
    pairs = [OnceLoader(lambda: load_llava(model, Settings()), name=f"m{k}") for k in (1, 2)]
    together(*[loader.get for loader in pairs * 3])
    print(sum(isinstance(result, Exception) for result in results), len({id(r[1]) for r in results}))
    """,
        env,
    )
    assert last_line(done) == "0 2"


def test_without_the_guard_overlapping_loads_break_each_other_for_real(
    run_warm: WarmProcess, env: dict[str, str]
) -> None:
    # Chance has a part in it, so there are ten tries, each in a process of its own; mostly the first will do
    for _ in range(10):
        done = run_warm(TOGETHER + "    together(*[get_llava_model] * 5)", env | {"LOADONCE_GUARD": "off"})
        kinds = [event.kind for event in events_in(done.stdout)]
        if kinds.count("meta_tensor_error") > 0 and kinds.count("started") > 1:
            return
    raise AssertionError("five unguarded threads met no trouble in ten processes")


def test_a_wrong_guard_logs_a_warning(run_warm: WarmProcess, env: dict[str, str]) -> None:
    done = run_warm(
        "from loader import get_llava_model\nget_llava_model()", env | {"LOADONCE_GUARD": "no-second-check"}
    )
    assert "LOADONCE_GUARD=no-second-check: this loader is wrong on purpose" in done.stderr
