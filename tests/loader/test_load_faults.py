"""Loads that fail: each fault made for real, through the real libraries, and named."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loader.errors import (
    CorruptCheckpoint,
    DeviceMapError,
    MetaTensorError,
    NoPermission,
    OutOfDisk,
    OutOfMemory,
    ResourceError,
    WeightsMismatch,
)
from loader.load_faults import name_fault, naming_faults, verify_weights
from tests.loader.fresh import WarmProcess, events_in

pytestmark = pytest.mark.model

LOAD = """
    import os
    from loader import get_llava_model
    try:
        print(type(get_llava_model()[1]).__name__)
    except Exception as error:
        print(type(error).__name__, error, "because of", type(error.__cause__).__name__)
"""


@pytest.fixture
def copy(demo_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the demo checkpoint that a test may break."""
    folder = tmp_path / "copy"
    shutil.copytree(demo_checkpoint, folder)
    return folder


def shard(folder: Path) -> Path:
    return folder / "model-00004-of-00010.safetensors"


def cut_a_shard(folder: Path) -> None:
    shard(folder).write_bytes(shard(folder).read_bytes()[:-100])


def write_garbage_into_a_header(folder: Path) -> None:
    data = bytearray(shard(folder).read_bytes())
    data[20:40] = b"x" * 20
    shard(folder).write_bytes(data)


def write_garbage_into_a_headers_length(folder: Path) -> None:
    shard(folder).write_bytes(b"\xff" * 8 + shard(folder).read_bytes()[8:])


def contradict_a_shape(folder: Path) -> None:
    data = shard(folder).read_bytes()
    shard(folder).write_bytes(data.replace(b'"shape":[', b'"shape":[7,', 1)[: len(data)])


def cut_the_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"version": ')


def remove_a_shard(folder: Path) -> None:
    shard(folder).unlink()


def remove_the_index(folder: Path) -> None:
    (folder / "model.safetensors.index.json").unlink()


def change(folder: Path, **text: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] |= text
    (folder / "config.json").write_text(json.dumps(config))


def want_another_width(folder: Path) -> None:
    change(folder, intermediate_size=320)


def want_a_third_layer(folder: Path) -> None:
    change(folder, num_hidden_layers=3)


def contradict_itself(folder: Path) -> None:
    change(folder, num_attention_heads=7)


def be_a_text_model(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config["text_config"] | {"model_type": "llama"}))


BE_NOBODY = """
    import os
    if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)
"""
FAULTS: tuple[tuple[Callable[[Path], None], str, str], ...] = (
    (cut_a_shard, "CorruptCheckpoint", "shard 4 of 10, model-00004-of-00010.safetensors has"),
    (write_garbage_into_a_header, "CorruptCheckpoint", "model-00004-of-00010.safetensors: its header is no"),
    (write_garbage_into_a_headers_length, "CorruptCheckpoint", "model-00004-of-00010.safetensors is cut off"),
    (contradict_a_shape, "CorruptCheckpoint", "model-00004-of-00010.safetensors"),
    (cut_the_tokenizer, "CorruptCheckpoint", "tokenizer.json cannot be read"),
    (contradict_itself, "CorruptCheckpoint", "not a multiple of the number of attention heads (7)"),
    (remove_a_shard, "IncompleteCheckpoint", "model-00004-of-00010.safetensors, is missing"),
    (remove_the_index, "IncompleteCheckpoint", "neither model.safetensors.index.json nor model.safetensors"),
    (be_a_text_model, "WrongArchitecture", "is a llama, not LLaVA"),
    (want_another_width, "WeightsMismatch", "down_proj.weight (320×960 instead of 320×320)"),
    (
        want_a_third_layer,
        "WeightsMismatch",
        "9 missing: model.language_model.layers.2.input_layernorm",
    ),
)


@pytest.mark.parametrize(("fault", "error", "words"), FAULTS)
def test_a_fault_of_the_checkpoint_is_named(
    run_warm: WarmProcess, copy: Path, fault: Callable[[Path], None], error: str, words: str
) -> None:
    fault(copy)
    said = run_warm(LOAD, {"LOADONCE_MODEL": str(copy)}).stdout.strip().splitlines()[-1]
    assert said.startswith(error + " ")
    assert words in said


def test_the_failure_is_an_event_that_names_the_error_and_its_cause(
    run_warm: WarmProcess, copy: Path
) -> None:
    cut_the_tokenizer(copy)
    done = run_warm(LOAD, {"LOADONCE_MODEL": str(copy)})
    (failed,) = [event for event in events_in(done.stdout) if event.kind == "failed"]
    assert (failed.fields["error"], failed.fields["cause"]) == ("CorruptCheckpoint", "JSONDecodeError")


def test_every_waiter_gets_the_named_error(run_warm: WarmProcess, copy: Path) -> None:
    remove_a_shard(copy)
    done = run_warm(
        """
        import threading
        from loader import get_llava_model
        barrier, errors = threading.Barrier(4), []
        def ask():
            barrier.wait()
            try: get_llava_model()
            except Exception as error: errors.append(error)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(errors), len({id(error) for error in errors}), type(errors[0]).__name__)
        """,
        {"LOADONCE_MODEL": str(copy)},
    )
    assert done.stdout.strip().splitlines()[-1] == "4 1 IncompleteCheckpoint"


def test_a_repaired_folder_loads_after_the_cool_down(
    run_warm: WarmProcess, copy: Path, demo_checkpoint: Path
) -> None:
    remove_a_shard(copy)
    done = run_warm(
        f"""
        import shutil
        from loader import IncompleteCheckpoint, OnceLoader, Settings
        from loader.llava import load_llava
        now = [0.0]
        loader = OnceLoader(
            lambda: load_llava({str(copy)!r}, Settings()), name="m", cool_down=5, clock=lambda: now[0]
        )
        for _ in range(2):
            try: loader.get()
            except IncompleteCheckpoint: pass
        shutil.copy({str(shard(demo_checkpoint))!r}, {str(copy)!r})
        now[0] = 6.0
        print(type(loader.get()[1]).__name__, loader.counts["started"])
        """
    )
    assert done.stdout.strip().splitlines()[-1] == "LlavaForConditionalGeneration 2"


def test_a_process_without_memory_says_so(run_warm: WarmProcess, demo_checkpoint: Path) -> None:
    # A first load brings all that is loaded but once, so that the limit leaves room for all but the weights
    done = run_warm(
        f"""
        import resource, torch
        from loader import OutOfMemory, Settings
        from loader.llava import load_llava
        torch.set_num_threads(1)
        settings = Settings(dtype="bfloat16")
        kept = load_llava({str(demo_checkpoint)!r}, settings)
        with open("/proc/self/statm") as file: pages = int(file.read().split()[0])
        limit = pages * resource.getpagesize() + 4 * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            load_llava({str(demo_checkpoint)!r}, settings)
        except OutOfMemory as error:
            print(error, "because of", type(error.__cause__).__name__)
        """
    )
    said = done.stdout.strip().splitlines()[-1]
    assert said.startswith("There is not enough memory to load")
    assert "LOADONCE_DTYPE=bfloat16" in said
    assert not said.endswith("NoneType")


def to_pickles(folder: Path) -> str:
    """Code that stores a copy's weights in the format from before safetensors."""
    return f"""
    import torch
    from pathlib import Path
    from safetensors.torch import load_file
    folder, weights = Path({str(folder)!r}), {{}}
    for shard in folder.glob("*.safetensors"):
        weights |= load_file(shard)
        shard.unlink()
    (folder / "model.safetensors.index.json").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    """


def test_weights_that_are_no_safetensors_need_a_folder_to_be_offloaded(
    run_warm: WarmProcess, copy: Path
) -> None:
    done = run_warm(
        to_pickles(copy) + LOAD, {"LOADONCE_MODEL": str(copy), "LOADONCE_DEVICE_MAP": '{"": "disk"}'}
    )
    assert "DeviceMapError" in done.stdout
    assert "Set LOADONCE_OFFLOAD_FOLDER to a folder for them." in done.stdout


def test_weights_that_are_no_safetensors_are_offloaded_to_the_folder(
    run_warm: WarmProcess, copy: Path, tmp_path: Path
) -> None:
    done = run_warm(
        to_pickles(copy) + LOAD,
        {
            "LOADONCE_MODEL": str(copy),
            "LOADONCE_DEVICE_MAP": '{"": "disk"}',
            "LOADONCE_OFFLOAD_FOLDER": str(tmp_path / "offloaded"),
        },
    )
    assert done.stdout.strip().endswith("LlavaForConditionalGeneration")
    assert any((tmp_path / "offloaded").iterdir())


def test_a_disk_that_is_full_during_an_offload_is_named(
    run_warm: WarmProcess, copy: Path, tmp_path: Path
) -> None:
    limited = "    import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2)\n"
    done = run_warm(
        to_pickles(copy).rstrip() + "\n" + limited + LOAD,
        {
            "LOADONCE_MODEL": str(copy),
            "LOADONCE_DEVICE_MAP": '{"": "disk"}',
            "LOADONCE_OFFLOAD_FOLDER": str(tmp_path / "offloaded"),
        },
    )
    assert "OutOfDisk There is no room on the disk" in done.stdout
    assert "LOADONCE_OFFLOAD_FOLDER" in done.stdout


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no users to change to")
def test_a_checkpoint_that_may_not_be_read_is_named(run_warm: WarmProcess, copy: Path) -> None:
    shard(copy).chmod(0)
    for folder in (copy, *copy.parents[:3]):
        folder.chmod(0o755)
    said = run_warm(BE_NOBODY + LOAD, {"LOADONCE_MODEL": str(copy)}).stdout.strip().splitlines()[-1]
    assert said.startswith("NoPermission The checkpoint")
    assert "Let the user of this process read the folder" in said


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (MemoryError(), OutOfMemory),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), OutOfMemory),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), OutOfMemory),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), OutOfMemory),
        (RuntimeError("can't start new thread"), ResourceError),
        (OSError(errno.ENOSPC, "No space left on device"), OutOfDisk),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), OutOfDisk),
        (RuntimeError("I/O error: No space left on device (os error 28)"), OutOfDisk),
        (PermissionError(errno.EACCES, "Permission denied", "/x/model"), NoPermission),
        (OSError(errno.EROFS, "Read-only file system"), NoPermission),
        (RuntimeError("Cannot copy out of meta tensor; no data!"), MetaTensorError),
        (ValueError("weight is on the meta device, we need a `value` to put in on cpu."), MetaTensorError),
        (ValueError("The device_map provided does not give any device for"), DeviceMapError),
        (pickle.UnpicklingError("invalid load key"), CorruptCheckpoint),
        (RuntimeError("PytorchStreamReader failed reading zip archive"), CorruptCheckpoint),
    ],
)
def test_what_libraries_raise_is_recognised(raised: Exception, expected: type[Exception]) -> None:
    assert type(name_fault(raised, "m")) is expected


def test_a_fault_that_a_library_has_wrapped_is_recognised() -> None:
    wrapped = OSError("Can't load the model")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device", "/cache/blob")
    assert "/cache/blob" in str(name_fault(wrapped, "m"))


def test_the_real_cuda_error_is_recognised() -> None:
    torch = pytest.importorskip("torch")
    assert type(name_fault(torch.OutOfMemoryError("CUDA out of memory."), "m")) is OutOfMemory


def test_what_is_not_recognised_is_raised_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError), naming_faults("m"):
        raise ZeroDivisionError


def test_the_original_is_the_cause() -> None:
    original = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutOfDisk) as caught, naming_faults("m"):
        raise original
    assert caught.value.__cause__ is original


def test_a_report_without_faults_passes() -> None:
    verify_weights({"missing_keys": set(), "mismatched_keys": set()}, "m")


def test_many_missing_weights_are_counted() -> None:
    with pytest.raises(WeightsMismatch, match=r"5 missing: w0, w1, w2 and 2 more\. They would be random"):
        verify_weights({"missing_keys": {f"w{n}" for n in range(5)}, "mismatched_keys": set()}, "m")
