"""What a call costs when the model is ready: ours beside the ways that services use instead."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.figures import Report, Row, interleaved, measured
from benchmarks.fresh_process import run_fresh
from loader.checkpoint import demo_folder, ensure_checkpoint

__all__ = ["NAME", "run"]

NAME: Final = "ready-path"

_BARE: Final = "a bare global"
_TARGETS: Final = {"get_llava_model()": 1.5, "OnceLoader.get()": 1.5}
_UNROLLED: Final = 50  # calls in a turn of the loop, so that the loop itself weighs nothing
_CROWD: Final = 8

Burst = Callable[[int], None]


def run(rounds: int = 25, burst_s: float = 0.03) -> Report:
    """Measure at 1 and at 8 threads, in one process that holds the real demo model. Some 30 seconds.

    Args:
        rounds: how often each candidate has its turn.
        burst_s: seconds of calls in one turn, for each thread.
    """
    model = str(ensure_checkpoint(demo_folder()))
    found: dict[int, dict[str, list[float]]] = run_fresh(_measure, model, rounds, burst_s).value
    rows: list[Row] = []
    for threads, times in found.items():
        crowd = "1 thread" if threads == 1 else f"{threads} threads"
        for name, values in times.items():
            peer = None if name == _BARE else (f"{_BARE}, {crowd}", times[_BARE])
            rows.append(measured(f"{name}, {crowd}", "ns", values, peer=peer, target=_TARGETS.get(name)))
    return Report(
        NAME,
        "One call when the model is ready",
        tuple(rows),
        (
            f"{rounds} rounds in turn, in one process; wall time over the calls of all threads together.",
            "get_llava_model() is the public function, after it has really loaded the demo checkpoint.",
        ),
    )


def _measure(model: str, rounds: int, burst_s: float) -> dict[int, dict[str, list[float]]]:
    os.environ["LOADONCE_MODEL"] = model
    bursts = {name: _burst(expression, scope) for name, expression, scope in _candidates()}
    found = {}
    for threads in (1, _CROWD):
        measures = {
            name: functools.partial(_per_call, burst, _turns(burst, threads, burst_s), threads)
            for name, burst in bursts.items()
        }
        found[threads] = interleaved(measures, rounds)
    return found


def _candidates() -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, the call as a user writes it, and the names that it needs."""
    import cachetools
    import streamlit

    from loader import OnceLoader, get_llava_model

    pair = get_llava_model()
    scope = {"PAIR": pair}
    exec("def bare():\n    return PAIR", scope)  # a global of the caller's own module
    once = OnceLoader(lambda: pair, name="ready path", gate=None)
    once.get()
    turn = threading.Lock()

    def locked() -> Any:
        with turn:
            return pair

    cached = functools.cache(lambda: pair)
    bounded = cachetools.cached(cachetools.LRUCache(1), lock=threading.Lock())(lambda: pair)
    resource = streamlit.cache_resource(lambda: pair)
    return [
        (_BARE, "bare()", scope),
        ("get_llava_model()", "get_llava_model()", {"get_llava_model": get_llava_model}),
        ("OnceLoader.get()", "once.get()", {"once": once}),
        ("functools.cache", "cached()", {"cached": cached}),
        ("a lock on every call", "locked()", {"locked": locked}),
        ("cachetools with a lock", "bounded()", {"bounded": bounded}),
        ("st.cache_resource", "resource()", {"resource": resource}),
    ]


def _burst(expression: str, scope: dict[str, Any]) -> Burst:
    """Return a function that evaluates `expression` 50 times a turn, as code in a module would."""
    calls = f"        {expression}\n" * _UNROLLED
    exec(f"def burst(turns):\n    for _ in range(turns):\n{calls}", scope)  # as timeit does
    return scope["burst"]  # type: ignore[no-any-return]


def _turns(burst: Burst, threads: int, burst_s: float) -> int:
    """Return how many turns each thread makes in about `burst_s`, its share of waiting left out."""
    turns = 1
    while True:
        took = _per_call(burst, turns, threads) * turns * _UNROLLED / 1e9
        if took >= burst_s / 10:
            return max(1, round(turns * burst_s / took))
        turns *= 4


def _per_call(burst: Burst, turns: int, threads: int) -> float:
    """Return the nanoseconds from the first call to the last, over the number of calls of all threads."""
    spans: list[tuple[int, int]] = []
    together = threading.Barrier(threads)

    def call() -> None:
        together.wait()
        began = time.perf_counter_ns()
        burst(turns)
        spans.append((began, time.perf_counter_ns()))

    crowd = [threading.Thread(target=call) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    took = max(ended for _, ended in spans) - min(began for began, _ in spans)
    return took / (threads * turns * _UNROLLED)
