"""A cold load of a large LLaVA: guarded, bare with the same arguments, and reading its files."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Report, interleaved, measured
from benchmarks.fresh_process import run_fresh
from benchmarks.large_checkpoint import Shape, ensure_large, shard_bytes
from loader.llava import import_libraries, llava_source
from loader.settings import Settings

__all__ = ["NAME", "run"]

NAME: Final = "cold-load"

_TARGET: Final = 1.02
_BLOCK: Final = 16 * 1024 * 1024  # bytes read at once

Spent = tuple[float, float, float]
"""Seconds of wall time, of processor time in all threads, and of wall time inside `from_pretrained()`."""


def run(shape: Shape, rounds: int = 15, dtype: str = "auto") -> Report:
    """Measure `rounds` interleaved pairs, each load in a fresh process. About a minute at 1.3 GB.

    Raises:
        NoRoom: the disk is too full for the checkpoint.
    """
    folder = ensure_large(shape)
    measures: dict[str, Callable[[], Spent]] = {
        name: functools.partial(_fresh, load, str(folder), dtype)
        for name, load in (("read", _read), ("bare", _bare), ("guarded", _guarded))
    }
    spent = interleaved(measures, rounds)
    wall = {name: [each[0] for each in rounds] for name, rounds in spent.items()}
    work = {name: [each[1] for each in rounds] for name, rounds in spent.items()}
    inside = [each[2] for each in spent["guarded"]]
    bare, read, guarded = "from_pretrained, bare", "reading the files", "OnceLoader"
    return Report(
        NAME,
        f"Cold load of a LLaVA of {shard_bytes(folder) / 1e9:.2f} GB in {shape.shards} shards, dtype {dtype}",
        (
            measured(read, "s", wall["read"]),
            measured(bare, "s", wall["bare"]),
            measured(guarded, "s", wall["guarded"], peer=(bare, wall["bare"]), target=_TARGET),
            measured(f"{guarded}: inside from_pretrained", "s", inside),
            measured(
                f"{guarded}, against its inside",
                "s",
                wall["guarded"],
                peer=(f"{guarded}: inside from_pretrained", inside),
                target=_TARGET,
                note="What we add around transformers' two calls, in one and the same load: the noise of two "
                "loads, which is larger than the claim, is not in it. What runs beside them is not, either.",
            ),
            measured(f"{guarded}, against reading", "s", wall["guarded"], peer=(read, wall["read"])),
            measured(f"{bare}: processor time", "s", work["bare"]),
            measured(
                f"{guarded}: processor time",
                "s",
                work["guarded"],
                peer=(f"{bare}: processor time", work["bare"]),
                note="Counts the work of all threads; less noisy than wall time.",
            ),
        ),
        (
            f"{rounds} interleaved rounds, each load in a fresh process with its libraries imported and the "
            "files in the page cache; both loads make processor and model.",
            "With dtype auto transformers maps the weights: a load can end before their bytes are read.",
        ),
    )


def _fresh(load: Callable[[str, str], Spent], folder: str, dtype: str) -> Spent:
    return run_fresh(load, folder, dtype).value


def _guarded(folder: str, dtype: str) -> Spent:
    import_libraries()
    from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration
    from transformers.models.llava.processing_llava import LlavaProcessor

    inside: list[float] = []
    for kind in (LlavaProcessor, LlavaForConditionalGeneration):
        kind.from_pretrained = _timed(kind.from_pretrained, inside)  # type: ignore[method-assign]
    with _clock() as spent:
        _, source = llava_source(Settings(model=folder, dtype=dtype))
        source.acquire()
    return spent[0], spent[1], sum(inside)


def _timed(call: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def timed(*args: object, **kwargs: object) -> Any:
        began = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            spent.append(time.perf_counter() - began)

    return timed


def _bare(folder: str, dtype: str) -> Spent:
    import_libraries()
    from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration
    from transformers.models.llava.processing_llava import LlavaProcessor
    from transformers.utils import logging

    logging.set_tqdm_hook(None)  # its own progress bar, as without us
    with _clock() as spent:
        LlavaProcessor.from_pretrained(folder, local_files_only=True)
        network = LlavaForConditionalGeneration.from_pretrained(
            folder, dtype=dtype, device_map="auto", local_files_only=True
        )
    assert not network.training  # as the guarded one is, and kept until the clock has stopped
    return spent[0], spent[1], spent[0]


def _read(folder: str, dtype: str) -> Spent:
    block = memoryview(bytearray(_BLOCK))
    with _clock() as spent:
        for path in sorted(Path(folder).glob("*.safetensors")):
            with path.open("rb", buffering=0) as file:
                while file.readinto(block):
                    pass
    return spent[0], spent[1], 0.0


@contextmanager
def _clock() -> Iterator[list[float]]:
    spent: list[float] = []
    began, worked = time.perf_counter(), time.process_time()
    yield spent
    spent.extend((time.perf_counter() - began, time.process_time() - worked))
