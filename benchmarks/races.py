"""Real races: threads that want two models with tied weights at once, guarded a thousand times, and not.

    python -m benchmarks.races              some minutes on two cores
    python -m benchmarks.races --loads 100

Each process is fresh (forked from one that has only imported torch and transformers) and loads for real. A
load counts as failed if it raised, if a tensor of its model differs from what the files hold, or if the model
was loaded already. The wrong ways get a process for each round, because their loads leave it poisoned.
"""

from __future__ import annotations

import argparse
import functools
import gc
import hashlib
import math
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from rich.console import Console

from benchmarks.figures import Report, Row
from benchmarks.fresh_process import run_fresh
from benchmarks.table import print_report
from loader.checkpoint import demo_folder, ensure_checkpoint
from loader.controls import ModelSource, Unguarded
from loader.llava import PHRASE, Pair, import_libraries, load_llava
from loader.once import OnceLoader
from loader.process_globals import fingerprint
from loader.settings import Settings

__all__ = ["NAME", "Tally", "bounds", "main", "run"]

NAME: Final = "races"

Way = Literal["one gate", "a lock each", "no lock"]

_ROUNDS: Final = 4  # in one guarded process: the first is its first load, the others follow an unload
_CROWDS: Final = (2, 4, 8)  # threads in a process, in turn
_WRONG_PROCESSES: Final = 40
_CONFIDENCE: Final = 0.95
_WIDTH: Final = 170  # of the table where there is no terminal to tell


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of the loads of some processes.

    Attributes:
        loads: loads that began.
        failed: those of them that raised, gave a model that differs from its files, or were one too many.
        processes, struck: how many there were, and in how many of them a load failed.
        poisoned: in how many torch or transformers stayed altered.
    """

    loads: int = 0
    failed: int = 0
    processes: int = 0
    struck: int = 0
    poisoned: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.loads + other.loads,
            self.failed + other.failed,
            self.processes + other.processes,
            self.struck + other.struck,
            self.poisoned + other.poisoned,
        )


def run(loads: int = 1000, wrong_processes: int = _WRONG_PROCESSES) -> Report:
    """Race at least `loads` guarded loads, and the wrong ways in processes enough to tell their rate."""
    with _two_models() as folders:
        expected = tuple(run_fresh(_digest_of, folder).value for folder in folders)
        guarded, number = Tally(), 0
        while guarded.loads < loads:
            rounds = min(_ROUNDS, math.ceil((loads - guarded.loads) / len(folders)))
            crowd = _CROWDS[number % len(_CROWDS)]
            guarded += run_fresh(_race, "one gate", folders, expected, crowd, rounds).value
            number += 1
        wrong: dict[Way, Tally] = {"a lock each": Tally(), "no lock": Tally()}
        for way in wrong:
            for _ in range(wrong_processes):
                wrong[way] += run_fresh(_race, way, folders, expected, 2, 1).value
    rows = (
        _row("2 models, one gate (OnceLoader)", guarded, target=0.0),
        _row("2 models, a correct lock each, no gate", wrong["a lock each"]),
        _row("2 models, no lock", wrong["no lock"]),
    )
    return Report(
        NAME,
        f"Threads that want 2 tied LLaVAs (float32 and bfloat16) at once: {guarded.loads:,} guarded loads",
        rows,
        (
            f"Guarded: {', '.join(map(str, _CROWDS))} threads in turn, {_ROUNDS} rounds in a process with an "
            "unload between them. The wrong ways: 2 threads, 1 round in a process.",
            "The bounds are exact (Clopper and Pearson) for loads that fail independently of each other; "
            "those of one process do not quite, so the processes are counted as well.",
        ),
    )


def bounds(failed: int, total: int) -> tuple[float, float]:
    """Return the exact 95 % bounds of a rate (Clopper and Pearson) when `failed` of `total` failed."""
    tail = (1 - _CONFIDENCE) / 2
    low = 0.0 if failed == 0 else _root(lambda rate: 1 - _at_most(failed - 1, total, rate) - tail)
    high = 1.0 if failed == total else _root(lambda rate: tail - _at_most(failed, total, rate))
    return low, high


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return high


def _at_most(most: int, total: int, rate: float) -> float:
    """Return the probability of `most` failures or fewer."""
    if rate in (0.0, 1.0):
        return 1.0 if rate == 0.0 or most >= total else 0.0
    fails, fits = math.log(rate), math.log1p(-rate)
    whole = math.lgamma(total + 1)
    return sum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * fails + (total - k) * fits)
        for k in range(most + 1)
    )


def _row(what: str, tally: Tally, target: float | None = None) -> Row:
    low, high = bounds(tally.failed, tally.loads)
    note = (
        f"{tally.failed:,} of {tally.loads:,} loads failed; 95 %: {100 * low:.2f} to {100 * high:.2f} %. "
        f"{tally.struck} of {tally.processes} processes had a failure, {tally.poisoned} stayed poisoned."
    )
    return Row(what, 100 * tally.failed / tally.loads, "% failed", target=target, note=note)


def _race(way: Way, folders: tuple[str, ...], expected: tuple[str, ...], threads: int, rounds: int) -> Tally:
    """Race in this process, which must be a fresh one."""
    import_libraries()
    sources = [_source(way, folder) for folder in folders]
    failed = 0
    for number in range(rounds):
        before = [_began(source) for source in sources]
        given = _ask_together(sources, threads)
        for source, digest, earlier, models in zip(sources, expected, before, given, strict=True):
            wrong = sum(_digest(network) != digest for network in models)
            doubled = _began(source) - earlier - 1 if way != "no lock" else 0
            failed += wrong + doubled
        del given, models
        if number + 1 < rounds:
            for source in sources:
                assert isinstance(source, OnceLoader)
                source.unload()
            gc.collect()
    for source in sources:
        failed += source.counts.get("failed", 0) + source.counts.get("meta_tensor_error", 0)
    return Tally(
        sum(map(_began, sources)), failed, 1, int(failed > 0), int(bool(fingerprint().left_behind()))
    )


def _source(way: Way, folder: str) -> ModelSource[Pair]:
    load = functools.partial(load_llava, folder, Settings())
    if way == "no lock":
        return Unguarded(load, name=folder, began=PHRASE)
    if way == "a lock each":
        return OnceLoader(load, name=folder, gate=None)
    return OnceLoader(load, name=folder)


def _began(source: ModelSource[Pair]) -> int:
    return source.counts.get("started", 0)


def _ask_together(sources: list[ModelSource[Pair]], threads: int) -> list[list[Any]]:
    """Return the distinct networks that were given out, for each source."""
    given: list[dict[int, Any]] = [{} for _ in sources]
    together = threading.Barrier(threads)

    def ask(which: int) -> None:
        together.wait()
        try:
            network = sources[which].acquire().value[1]
        except Exception:  # noqa: BLE001 - counted by the source itself, whatever it is
            return
        given[which][id(network)] = network

    crowd = [threading.Thread(target=ask, args=(number % len(sources),)) for number in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return [list(networks.values()) for networks in given]


def _digest_of(folder: str) -> str:
    return _digest(load_llava(folder, Settings())[1])


def _digest(network: Any) -> str:
    import torch

    found = hashlib.sha1(usedforsecurity=False)
    for key, tensor in sorted(network.state_dict().items()):
        found.update(f"{key} {tensor.dtype} {tensor.device} {tuple(tensor.shape)}".encode())
        if not tensor.is_meta:
            found.update(tensor.detach().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


@contextmanager
def _two_models() -> Iterator[tuple[str, str]]:
    """The demo checkpoint and another in half its precision, so that the default dtype is swapped, too."""
    demo = ensure_checkpoint(demo_folder())
    with tempfile.TemporaryDirectory(prefix="loadonce-races-") as folder:
        half = Path(folder) / "half"
        shutil.copytree(demo, half, ignore=shutil.ignore_patterns("*.safetensors*"))
        run_fresh(_save_half, str(demo), str(half))
        yield str(demo), str(half)


def _save_half(source: str, folder: str) -> None:
    network = load_llava(source, Settings(dtype="bfloat16"))[1]
    network.save_pretrained(folder, max_shard_size="2MB")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, or 1 if a guarded load failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.races", description="Race real loads, guarded and not."
    )
    parser.add_argument(
        "--loads", type=int, default=1000, help="guarded loads, at least (default: %(default)s)"
    )
    report = run(parser.parse_args(arguments).loads)
    print_report(report, Console())
    return int(report.rows[0].value != 0)


if __name__ == "__main__":
    sys.exit(main())
