"""What importing the loader costs a service, in fresh interpreters."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.figures import Report, interleaved, measured

__all__ = ["NAME", "run"]

NAME: Final = "import-time"

_PROJECT: Final = Path(__file__).resolve().parent.parent
_TARGET_MS: Final = 50.0
_STATEMENTS: Final = ("import loader", "from loader import get_llava_model", "import logging")
# torch is looked for in the same breath: without it in the process, the time is that of the loader alone
_TIMER: Final = (
    "import sys, time; began = time.perf_counter(); {statement}; took = time.perf_counter() - began; "
    "assert 'torch' not in sys.modules; print(took * 1000)"
)


def run(rounds: int = 10) -> Report:
    """Measure in `rounds` fresh interpreters for each statement. Some seconds.

    Raises:
        CalledProcessError: the import failed, or brought torch along.
    """
    times = interleaved(
        {statement: functools.partial(_import, statement) for statement in _STATEMENTS}, rounds
    )
    loader, function, peer = _STATEMENTS
    return Report(
        NAME,
        "Importing the loader",
        (
            measured(peer, "ms", times[peer], note="of the standard library, for comparison"),
            measured(loader, "ms", times[loader], target=_TARGET_MS),
            measured(function, "ms", times[function], note="brings asyncio and the standard library's rest"),
        ),
        (f"{rounds} fresh interpreters each, in turn, without their own start; torch is not imported.",),
    )


def _import(statement: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _TIMER.format(statement=statement)],
        cwd=_PROJECT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout)
