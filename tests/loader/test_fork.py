"""What a forked child may keep of its parent's loader, and what it must forget."""

from __future__ import annotations

import os

import pytest

from tests.loader.fresh import WarmProcess, events_in, last_line, run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PRELUDE = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from loader import *
from loader.journal import JOURNAL

def in_child(call):
    reading, writing = os.pipe()
    sys.stdout.flush()
    if os.fork() == 0:
        try:
            said = str(call())
        except BaseException as error:
            said = type(error).__name__ + ": " + str(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.wait()
    return os.read(reading, 10000).decode()
"""


def test_a_ready_value_is_kept_by_the_child() -> None:
    done = run_python(PRELUDE + "loader = OnceLoader(object, name='m', gate=None)\n"
        "value = loader.get()\nprint(in_child(lambda: loader.get() is value))")  # fmt: skip
    assert last_line(done) == "True"


def test_the_parents_load_counts_for_a_value_that_came_with_the_fork() -> None:
    done = run_python(PRELUDE + "loader = OnceLoader(object, name='m', gate=None)\n"
        "loader.get()\nprint(in_child(lambda: loader.acquire().boot) == JOURNAL.boot)")  # fmt: skip
    assert last_line(done) == "True"


def test_the_child_has_a_boot_of_its_own() -> None:
    done = run_python(PRELUDE + "print(in_child(lambda: JOURNAL.boot) == JOURNAL.boot)")
    assert last_line(done) == "False"


def test_the_childs_events_name_its_parents_boot() -> None:
    done = run_python(PRELUDE + "loader = OnceLoader(object, name='m', gate=None)\n"
        "in_child(loader.get)\nprint(JOURNAL.boot)")  # fmt: skip
    assert {event.fields["parent_boot"] for event in events_in(done.stdout)} == {last_line(done)}


def test_the_childs_events_are_numbered_from_one() -> None:
    done = run_python(PRELUDE + "first = OnceLoader(object, name='a', gate=None)\nfirst.get()\n"
        "second = OnceLoader(object, name='b', gate=None)\nin_child(second.get)")  # fmt: skip
    assert [event.seq for event in events_in(done.stdout) if event.model == "b"] == [1, 2, 3]


def test_a_child_uses_no_load_number_of_its_parent() -> None:
    done = run_python(PRELUDE + "first = OnceLoader(object, name='a', gate=None)\nfirst.get()\n"
        "second = OnceLoader(object, name='b', gate=None)\n"
        "print(in_child(lambda: second.acquire().load_id))")  # fmt: skip
    assert last_line(done) == "2"


IN_FLIGHT = (
    PRELUDE
    + """
begun, go_on = threading.Event(), threading.Event()
parent = os.getpid()
def load():
    if os.getpid() == parent:
        begun.set()
        go_on.wait(30)
    return "loaded by the " + ("parent" if os.getpid() == parent else "child")
loader = OnceLoader(load, name="m")
thread = threading.Thread(target=loader.get)
thread.start()
begun.wait(30)
said = in_child(lambda: loader.get(timeout=20))
go_on.set()
thread.join()
print(said)
"""
)


def test_a_load_in_flight_is_forgotten_and_the_child_loads_itself() -> None:
    assert last_line(run_python(IN_FLIGHT)) == "loaded by the child"


def test_the_parents_load_ends_as_if_there_had_been_no_fork() -> None:
    done = run_python(IN_FLIGHT + "print(loader.get())")
    assert last_line(done) == "loaded by the parent"


def test_another_model_can_be_loaded_by_a_child_that_was_forked_during_a_load() -> None:
    other = IN_FLIGHT.replace("loader.get(timeout=20)", "OnceLoader(lambda: 5, name='other').get(timeout=20)")
    assert last_line(run_python(other)) == "5"


def test_globals_that_the_parents_load_had_swapped_are_put_back_in_the_child() -> None:
    code = (
        PRELUDE
        + """
import types
torch = types.ModuleType("torch"); torch.linspace = real = lambda: "real"
sys.modules["torch"] = torch
def load():
    torch.linspace = lambda: "swapped"
    said = in_child(lambda: torch.linspace())
    torch.linspace = real
    return said
print(OnceLoader(load, name="m").get())
"""
    )
    assert last_line(run_python(code)) == "real"


# A real module whose tensors say that they are on a GPU, which works on a machine that has none: no machine
# that runs this suite can be relied on to have one.
ON_A_GPU = """
import torch
from torch._subclasses import FakeTensorMode
def on_a_gpu():
    with FakeTensorMode():
        module = torch.nn.Module()
        module.weight = torch.nn.Parameter(torch.empty(2, 2, device="cuda:0"))
        return "processor", module
loader = OnceLoader(on_a_gpu, name="big", gate=None)
loader.get()
"""


@pytest.mark.model
def test_a_value_on_a_gpu_is_refused_in_the_child(run_warm: WarmProcess) -> None:
    said = last_line(run_warm(PRELUDE + ON_A_GPU + "print(in_child(loader.get))"))
    assert said.startswith("ForkedAfterCuda: big is on a GPU in process")
    assert "Start workers with the spawn method" in said


@pytest.mark.model
def test_a_value_on_a_gpu_is_not_seen_by_the_childs_peek(run_warm: WarmProcess) -> None:
    assert last_line(run_warm(PRELUDE + ON_A_GPU + "print(in_child(loader.peek))")) == "None"


@pytest.mark.model
def test_the_parent_keeps_its_value_on_a_gpu(run_warm: WarmProcess) -> None:
    done = run_warm(PRELUDE + ON_A_GPU + "in_child(loader.get)\nprint(loader.get()[1].weight.device)")
    assert last_line(done) == "cuda:0"
