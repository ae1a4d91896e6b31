"""Eight threads that want the model at once: guarded, against one load, and against eight that are not."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.figures import Report, Row, interleaved, measured
from benchmarks.fresh_process import pss_bytes, run_fresh
from benchmarks.large_checkpoint import Shape, available_memory, ensure_large, shard_bytes
from loader.llava import import_libraries, llava_source
from loader.settings import Guard, Settings

__all__ = ["NAME", "run", "too_little_memory"]

NAME: Final = "concurrent-load"

_CROWD: Final = 8
_WALL_TARGET: Final = 1.15
_PSS_TARGET: Final = 1.05
_MARGIN: Final = 1.5
_MB: Final = 1_000_000
_ONE: Final = "1 thread, OnceLoader"
_GUARDED: Final = f"{_CROWD} threads, OnceLoader"
_UNGUARDED: Final = f"{_CROWD} threads, unguarded"


@dataclass(frozen=True, slots=True)
class Crowd:
    """What came of some threads that asked at once.

    Attributes:
        seconds: from their release to the last answer.
        models: distinct models that they were given.
        errors: names of the errors that they were given instead.
        pss: bytes of proportional memory at the end, or the most seen if it was watched.
    """

    seconds: float
    models: int
    errors: tuple[str, ...]
    pss: int | None


def run(shape: Shape, rounds: int = 9, memory_rounds: int = 6, dtype: str = "auto") -> Report:
    """Measure time, and memory in further rounds of their own. About two minutes at 1.3 GB.

    Raises:
        NoRoom: the disk is too full for the checkpoint.
    """
    folder = ensure_large(shape)
    size = shard_bytes(folder) * (1 if dtype == "auto" else 2)  # a cast holds the file's bytes and its own
    short = too_little_memory(_CROWD * size, available_memory())
    trials: dict[str, tuple[int, Guard]] = {_ONE: (1, "on"), _GUARDED: (_CROWD, "on")}
    if short is None:
        trials[_UNGUARDED] = (_CROWD, "off")

    def measures(watch: bool) -> dict[str, Callable[[], Crowd]]:
        return {
            name: functools.partial(_fresh, str(folder), dtype, threads, guard, watch)
            for name, (threads, guard) in trials.items()
        }

    crowds = interleaved(measures(watch=False), rounds)
    watched = interleaved(measures(watch=True), memory_rounds)
    rows = [
        *_rows(crowds, "wall time", "s", lambda crowd: crowd.seconds, _WALL_TARGET),
        *_rows(watched, "peak PSS", "MB", lambda crowd: (crowd.pss or 0) / _MB, _PSS_TARGET),
    ]
    if short is not None:
        rows.append(Row(_UNGUARDED, None, "s", note=short))
    return Report(
        NAME,
        f"{_CROWD} threads want a LLaVA of {shard_bytes(folder) / 1e9:.2f} GB at once, dtype {dtype}",
        tuple(rows),
        (
            f"{rounds} interleaved rounds for the time and {memory_rounds} for the memory, each crowd in a "
            "fresh process.",
            "The memory is watched from outside every 20 ms, until every page of every model was read once, "
            "as its first generation does: what nobody has read takes no memory yet.",
        ),
    )


def too_little_memory(expected: int, available: int | None) -> str | None:
    """Return why a trial that is expected to take that many bytes must not be run; None if it may."""
    if available is None or available >= _MARGIN * expected:
        return None
    return (
        f"Skipped: it may take {expected / 1e9:.1f} GB, and of the {_MARGIN * expected / 1e9:.1f} GB that it "
        f"should have there are {available / 1e9:.1f}."
    )


def _rows(
    crowds: dict[str, list[Crowd]], what: str, unit: str, figure: Callable[[Crowd], float], target: float
) -> list[Row]:
    values = {name: [figure(crowd) for crowd in found] for name, found in crowds.items()}
    one, guarded = f"{_ONE}: {what}", f"{_GUARDED}: {what}"
    rows = [
        measured(one, unit, values[_ONE]),
        measured(
            guarded,
            unit,
            values[_GUARDED],
            peer=(one, values[_ONE]),
            target=target,
            note=_told(crowds[_GUARDED]),
        ),
    ]
    if _UNGUARDED in values:
        rows.append(
            measured(
                f"{_UNGUARDED}: {what}",
                unit,
                values[_UNGUARDED],
                peer=(guarded, values[_GUARDED]),
                note=_told(crowds[_UNGUARDED]),
            )
        )
    return rows


def _told(crowds: list[Crowd]) -> str:
    models = sorted({crowd.models for crowd in crowds})
    count = "-".join(str(number) for number in dict.fromkeys((models[0], models[-1])))
    errors = [error for crowd in crowds for error in crowd.errors]
    failed = f", {len(errors)} of {_CROWD * len(crowds)} calls failed ({', '.join(sorted(set(errors)))})"
    return f"Distinct models each time: {count}{failed if errors else ''}."


def _fresh(folder: str, dtype: str, threads: int, guard: Guard, watch: bool) -> Crowd:
    outcome = run_fresh(_load_together, folder, dtype, threads, guard, watch, watch=watch)
    crowd = outcome.value
    return Crowd(
        crowd.seconds, crowd.models, crowd.errors, max(crowd.pss or 0, outcome.peak_pss or 0) or None
    )


def _load_together(folder: str, dtype: str, threads: int, guard: Guard, read: bool) -> Crowd:
    import_libraries()
    _, source = llava_source(Settings(model=folder, dtype=dtype, guard=guard))
    networks: list[Any] = []
    errors: list[str] = []
    ended: list[float] = []
    released: list[float] = []
    together = threading.Barrier(threads, action=lambda: released.append(time.perf_counter()))

    def ask() -> None:
        together.wait()
        try:
            networks.append(source.acquire().value[1])
        except Exception as error:  # noqa: BLE001 - unguarded loads fail in many ways: that is a result here
            errors.append(type(error).__name__)
        ended.append(time.perf_counter())

    crowd = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    distinct = list({id(network): network for network in networks}.values())
    if read:
        for network in distinct:
            _read_every_page(network)
    return Crowd(max(ended) - released[0], len(distinct), tuple(errors), pss_bytes() if read else None)


def _read_every_page(network: Any) -> None:
    import torch

    for parameter in network.parameters():
        if not parameter.is_meta:
            parameter.detach().flatten().view(torch.uint8)[::4096].max()
