"""What overlapping loads leave behind, and whether it is noticed: real libraries, fresh processes."""

from __future__ import annotations

import pytest

from loader.process_globals import Fingerprint, fingerprint
from tests.loader.fresh import WarmProcess, last_line, run_python

pytestmark = pytest.mark.model

# What two loads do when the first to come is the first to leave: contexts that put back each other's swap.
CROSSED = """
    import torch, transformers.modeling_utils
    from transformers.initialization import no_tie_weights, meta_device_safe_creation_ops
    from loader import OnceLoader, PoisonedProcess, fingerprint
    before = fingerprint()
    def cross(make):
        first, second = make(), make()
        first.__enter__(); second.__enter__()
        first.__exit__(None, None, None); second.__exit__(None, None, None)
"""


def test_an_untouched_process_has_nothing_left_behind(run_warm: WarmProcess) -> None:
    done = run_warm(CROSSED + "    print(fingerprint().left_behind(), fingerprint().differs_from(before))")
    assert last_line(done) == "() ()"


@pytest.mark.parametrize(
    ("swap", "name"),
    [
        ("no_tie_weights", "transformers.modeling_utils.PreTrainedModel.tie_weights"),
        ("meta_device_safe_creation_ops", "torch.linspace"),
    ],
)
def test_a_function_that_stayed_swapped_is_named(run_warm: WarmProcess, swap: str, name: str) -> None:
    done = run_warm(CROSSED + f"    cross({swap})\n    print(*fingerprint().left_behind())")
    assert last_line(done) == name


def test_accelerates_swap_of_parameters_is_named(run_warm: WarmProcess) -> None:
    done = run_warm(
        CROSSED + "    from accelerate import init_empty_weights\n"
        "    cross(init_empty_weights)\n    print(*fingerprint().left_behind())"
    )
    assert last_line(done) == "torch.nn.modules.module.Module.register_parameter"


def test_a_changed_default_dtype_is_a_difference(run_warm: WarmProcess) -> None:
    done = run_warm(
        CROSSED + "    torch.set_default_dtype(torch.float16)\n    print(*fingerprint().differs_from(before))"
    )
    assert last_line(done) == "torch.get_default_dtype()"


def test_a_poisoned_process_refuses_to_load_and_says_to_restart(run_warm: WarmProcess) -> None:
    done = run_warm(
        CROSSED
        + """
    cross(no_tie_weights)
    try:
        OnceLoader(object, name="m").get()
    except PoisonedProcess as error:
        print(error)
    """
    )
    assert "PreTrainedModel.tie_weights were left swapped before it began" in last_line(done)
    assert "Restart the process" in last_line(done)


def test_a_load_that_leaves_a_global_changed_is_not_published(run_warm: WarmProcess) -> None:
    done = run_warm(
        CROSSED
        + """
    loader = OnceLoader(lambda: torch.set_default_dtype(torch.float16), name="m")
    try:
        loader.get()
    except PoisonedProcess as error:
        print(loader.peek(), "torch.get_default_dtype() changed while it ran" in str(error))
    """
    )
    assert last_line(done) == "None True"


def test_restoring_puts_everything_back(run_warm: WarmProcess) -> None:
    done = run_warm(
        CROSSED + "    cross(no_tie_weights); torch.set_default_dtype(torch.float16)\n"
        "    before.restore()\n    print(fingerprint().differs_from(before))"
    )
    assert last_line(done) == "()"


def test_a_name_that_was_imported_meanwhile_is_no_difference() -> None:
    assert Fingerprint({"torch.linspace": print}).differs_from(Fingerprint({})) == ()


def test_reading_imports_nothing() -> None:
    done = run_python(
        "import sys; from loader import fingerprint; fingerprint(); print('torch' in sys.modules)"
    )
    assert last_line(done) == "False"


def test_two_readings_in_a_row_are_the_same() -> None:
    assert fingerprint().differs_from(fingerprint()) == ()
