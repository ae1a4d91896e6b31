"""A cold load of a large LLaVA: guarded, bare with the same arguments, and reading its files."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.figures import Report, interleaved, measured
from benchmarks.fresh_process import run_fresh
from benchmarks.large_checkpoint import Shape, ensure_large, shard_bytes
from loader.llava import import_libraries, llava_source
from loader.settings import Settings

__all__ = ["NAME", "run"]

NAME: Final = "cold-load"

_TARGET: Final = 1.02
_BLOCK: Final = 16 * 1024 * 1024  # bytes read at once

Spent = tuple[float, float]
"""Seconds of wall time, and of processor time in all threads."""


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
    wall = {name: [seconds for seconds, _ in pairs] for name, pairs in spent.items()}
    work = {name: [seconds for _, seconds in pairs] for name, pairs in spent.items()}
    bare, read, guarded = "from_pretrained, bare", "reading the files", "OnceLoader"
    return Report(
        NAME,
        f"Cold load of a LLaVA of {shard_bytes(folder) / 1e9:.2f} GB in {shape.shards} shards, dtype {dtype}",
        (
            measured(read, "s", wall["read"]),
            measured(bare, "s", wall["bare"]),
            measured(guarded, "s", wall["guarded"], peer=(bare, wall["bare"]), target=_TARGET),
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
    with _clock() as spent:
        _, source = llava_source(Settings(model=folder, dtype=dtype))
        source.acquire()
    return spent[0], spent[1]


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
        network.eval()  # type: ignore[no-untyped-call]  # transformers types its classes in part
    return spent[0], spent[1]


def _read(folder: str, dtype: str) -> Spent:
    block = memoryview(bytearray(_BLOCK))
    with _clock() as spent:
        for path in sorted(Path(folder).glob("*.safetensors")):
            with path.open("rb", buffering=0) as file:
                while file.readinto(block):
                    pass
    return spent[0], spent[1]


@contextmanager
def _clock() -> Iterator[list[float]]:
    spent: list[float] = []
    began, worked = time.perf_counter(), time.process_time()
    yield spent
    spent.extend((time.perf_counter() - began, time.process_time() - worked))
