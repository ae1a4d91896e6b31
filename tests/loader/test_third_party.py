"""Loads that others start wait for the process gate: real libraries, or their shape."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.loader.fresh import WarmProcess, last_line, run_python

pytestmark = pytest.mark.model

# Runs `call` on a thread while this one holds the gate, and tells whether it stood before it.
WAITS = """
    import threading
    from loader import PROCESS_GATE, guard_transformers
    hold = PROCESS_GATE.hold
    def waits_for_the_gate(call):
        moved, ended, asked = threading.Event(), threading.Event(), threading.Event()
        def ask(name):
            asked.set(); moved.set()
            return hold(name)
        def run():
            try: call()
            finally: ended.set(); moved.set()
        PROCESS_GATE.hold = ask
        thread = threading.Thread(target=run)
        with hold("the test"):
            thread.start()
            assert moved.wait(60)
            waited = asked.is_set() and not ended.is_set()
        thread.join(60)
        del PROCESS_GATE.hold
        assert ended.is_set()
        return waited
"""
TINY = """
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(vocab_size=20, hidden_size=8, intermediate_size=16, num_hidden_layers=1,
                         num_attention_heads=2, num_key_value_heads=2)
"""


def test_from_pretrained_waits(run_warm: WarmProcess, tmp_path: Path) -> None:
    done = run_warm(
        WAITS
        + TINY
        + f"""
    LlamaForCausalLM(config).save_pretrained({str(tmp_path)!r})
    def call(): LlamaForCausalLM.from_pretrained({str(tmp_path)!r})
    before = waits_for_the_gate(call)
    guard_transformers()
    print(before, waits_for_the_gate(call))
    """
    )
    assert last_line(done) == "False True"


def test_from_config_waits_because_it_swaps_the_default_dtype(run_warm: WarmProcess) -> None:
    done = run_warm(
        WAITS
        + TINY
        + """
    from transformers import AutoModelForCausalLM
    guard_transformers()
    print(waits_for_the_gate(lambda: AutoModelForCausalLM.from_config(config)))
    """
    )
    assert last_line(done) == "True"


def test_init_empty_weights_waits_though_it_was_imported_before(run_warm: WarmProcess) -> None:
    done = run_warm(
        WAITS
        + """
    import torch
    from accelerate import init_empty_weights
    made = []
    def call():
        with init_empty_weights():
            made.append(torch.nn.Linear(2, 2))
    guard_transformers()
    print(waits_for_the_gate(call), made[0].weight.device)
    """
    )
    assert last_line(done) == "True meta"


def test_the_gate_is_held_until_init_empty_weights_is_left(run_warm: WarmProcess) -> None:
    done = run_warm(
        WAITS
        + """
    from accelerate import init_empty_weights
    guard_transformers()
    with init_empty_weights():
        inside = PROCESS_GATE.tenant is not None
    print(inside, PROCESS_GATE.tenant)
    """
    )
    assert last_line(done) == "True None"


@pytest.mark.parametrize("imported", ["from accelerate import", "from accelerate.big_modeling import"])
@pytest.mark.parametrize("early", [True, False])
def test_load_checkpoint_and_dispatch_waits_however_it_was_imported(
    run_warm: WarmProcess, tmp_path: Path, imported: str, early: bool
) -> None:
    name = f"    {imported} load_checkpoint_and_dispatch\n"
    guard = "    guard_transformers()\n"
    done = run_warm(
        WAITS
        + (name + guard if early else guard + name)
        + f"""
    import torch
    from safetensors.torch import save_file
    save_file(torch.nn.Linear(2, 2).state_dict(), {str(tmp_path / "model.safetensors")!r})
    def call():
        load_checkpoint_and_dispatch(torch.nn.Linear(2, 2), {str(tmp_path)!r}, device_map={{"": "cpu"}})
    print(waits_for_the_gate(call))
    """
    )
    assert last_line(done) == "True"


UNDO = """
    from transformers.modeling_utils import PreTrainedModel
    from accelerate import big_modeling
    from loader import guard_transformers
    def now(): return PreTrainedModel.__dict__["from_pretrained"], big_modeling.init_on_device
    before = now()
"""


@pytest.mark.parametrize("order", ["first(); second()", "second(); first()", "first(); first(); second()"])
def test_it_is_undone_when_the_last_who_wanted_it_undoes_it_in_any_order(
    run_warm: WarmProcess, order: str
) -> None:
    done = run_warm(
        UNDO
        + f"""
    first, second = guard_transformers(), guard_transformers()
    steps = {order!r}.split("; ")
    for step in steps[:-1]: eval(step)
    guarded = all(one is not other for one, other in zip(now(), before))
    eval(steps[-1])
    print(guarded, now() == before)
    """
    )
    assert last_line(done) == "True True"


def test_it_can_be_put_on_again(run_warm: WarmProcess) -> None:
    done = run_warm(UNDO + "    guard_transformers()()\n    guard_transformers()\n    print(now() == before)")
    assert last_line(done) == "False"


@pytest.mark.parametrize("ours_first", [True, False])
def test_what_other_code_has_put_over_it_stays_and_ours_lets_through(
    run_warm: WarmProcess, tmp_path: Path, ours_first: bool
) -> None:
    done = run_warm(
        WAITS
        + TINY
        + f"""
    from transformers.modeling_utils import PreTrainedModel
    LlamaForCausalLM(config).save_pretrained({str(tmp_path)!r})
    seen = []
    undo = guard_transformers()
    found = PreTrainedModel.__dict__["from_pretrained"]
    def theirs(cls, *args, **kwargs):
        seen.append(1)
        return found.__func__(cls, *args, **kwargs)
    PreTrainedModel.from_pretrained = classmethod(theirs)
    def call(): LlamaForCausalLM.from_pretrained({str(tmp_path)!r})
    if {ours_first}:
        undo()
        print(waits_for_the_gate(call), len(seen))
    else:
        again = guard_transformers()
        undo()
        waited = waits_for_the_gate(call)
        again()
        print(waited, waits_for_the_gate(call), len(seen))
    """
    )
    assert last_line(done) == ("False 1" if ours_first else "True False 2")


SHAPES = {
    "sentence_transformers/__init__.py": """
class SentenceTransformer:
    def __init__(self, name): self.name = name
class CrossEncoder(SentenceTransformer):
    def __init__(self, name): super().__init__(name)
""",
    "peft/__init__.py": """
class PeftModel:
    @classmethod
    def from_pretrained(cls, model, name): return cls, name
    def load_adapter(self, name): return name
""",
    "peft/utils/__init__.py": "",
    "peft/utils/integrations.py": """
from contextlib import contextmanager
@contextmanager
def _init_on_device(device): yield device
@contextmanager
def init_empty_weights():
    with _init_on_device("meta") as device: yield device
""",
    "diffusers/__init__.py": "raise RuntimeError('a broken library')",
}


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """A folder with libraries that have the shape of the real ones, so that the test needs none of them."""
    for name, text in SHAPES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("import sentence_transformers as s; got.append(s.SentenceTransformer('m').name)", "['m']"),
        ("import sentence_transformers as s; got.append(s.CrossEncoder('m').name)", "['m']"),
        ("import peft; got.append(peft.PeftModel.from_pretrained(1, 'm')[1])", "['m']"),
        ("import peft; got.append(peft.PeftModel().load_adapter('m'))", "['m']"),
        (
            "from peft.utils.integrations import init_empty_weights as i\n"
            "        with i() as device: got.append(device)",
            "['meta']",
        ),
    ],
)
def test_other_libraries_of_the_known_shape_wait(
    run_warm: WarmProcess, shapes: Path, call: str, result: str
) -> None:
    done = run_warm(
        f"    import sys; sys.path.insert(0, {str(shapes)!r}); got = []"
        + WAITS
        + f"""
    guard_transformers()
    def call():
        {call}
    print(waits_for_the_gate(call), got)
    """
    )
    assert last_line(done) == f"True {result}"


def test_a_broken_library_is_told_and_does_not_stop_the_guard(run_warm: WarmProcess, shapes: Path) -> None:
    done = run_warm(
        f"""
        import logging, sys
        sys.path.insert(0, {str(shapes)!r})
        logging.basicConfig()
        from loader import guard_transformers
        guard_transformers()
        """
    )
    assert "diffusers.models.modeling_utils is installed but cannot be imported" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="peft is not installed")
def test_the_real_peft_waits(tmp_path: Path) -> None:
    done = run_python(
        WAITS
        + TINY
        + f"""
    from peft import LoraConfig, PeftModel, get_peft_model
    adapted = get_peft_model(LlamaForCausalLM(config), LoraConfig(task_type="CAUSAL_LM"))
    adapted.save_pretrained({str(tmp_path)!r})
    base = LlamaForCausalLM(config)
    guard_transformers()
    print(waits_for_the_gate(lambda: PeftModel.from_pretrained(base, {str(tmp_path)!r})))
    """
    )
    assert last_line(done) == "True"


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
def test_the_real_sentence_transformers_waits(tmp_path: Path) -> None:
    done = run_python(
        WAITS
        + f"""
    from pathlib import Path
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel, BertTokenizerFast
    folder = Path({str(tmp_path)!r})
    (folder / "vocab.txt").write_text("\\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]))
    BertModel(BertConfig(vocab_size=7, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                         intermediate_size=16)).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    guard_transformers()
    print(waits_for_the_gate(lambda: SentenceTransformer(str(folder), device="cpu")))
    """
    )
    assert last_line(done) == "True"
