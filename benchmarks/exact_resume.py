"""Lines lost and doubled by a follower whose Docker engine is killed again and again."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks.containers import COUNTER, NoEngine, container
from benchmarks.figures import Report, Row
from dashboard.engine.connection import Engine
from dashboard.engine.follower import Follower

__all__ = ["NAME", "run"]

NAME: Final = "exact-resume"

_RATE: Final = 1000
_PATIENCE_S: Final = 120.0


def run(kills: int = 5, lines: int = 30_000) -> Report:
    """Kill the engine so often while a container prints 1,000 lines a second. About a minute.

    Raises:
        NoEngine: this is not run by `tests/engine/private_engine.py`.
    """
    # Late: nobody's own engine is killed, only that of the tests
    from tests.engine.private_engine import VARIABLE, PrivateEngine

    folder = os.environ.get(VARIABLE)
    if folder is None:
        raise NoEngine(
            "This kills the engine. Run it with the tests' private one: "
            f"python tests/engine/private_engine.py python -m benchmarks {NAME}"
        )
    private = PrivateEngine(Path(folder))
    with container(COUNTER.format(lines=lines, rate=_RATE)) as name, closing(Engine.open()) as engine:
        follower = Follower(engine, engine.container(name))
        try:
            for number in range(1, kills + 1):
                _wait(lambda at=number * lines // (kills + 1): follower.ring.next > at)  # type: ignore[misc]
                private.crash()
                private.revive()
            _wait(lambda: "the end" in _texts(follower, follower.ring.next - 10))
            shown = Counter(_texts(follower, 0))
            gaps = len(follower.gaps())
        finally:
            follower.close()
        said = subprocess.run(
            ["docker", "logs", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
    kept, shown = _of_lines(said.stdout.splitlines()), _of_lines(shown.elements())
    return Report(
        NAME,
        f"{kills} kills of the engine while a container prints {_RATE:,} lines a second",
        (
            Row(
                "lines that the engine kept and the follower lost", (kept - shown).total(), "lines", target=0
            ),
            Row("lines that the follower showed twice", (shown - kept).total(), "lines", target=0),
            Row("gaps that the follower told of, where there were none", gaps, "lines", target=0),
            Row("lines that the killed engine took along itself", lines - len(kept), "lines"),
        ),
        (f"{lines:,} lines, compared with what `docker logs` shows afterwards.",),
    )


def _texts(follower: Follower, since: int) -> list[str]:
    return [line.text for line in follower.ring.read(max(0, since), limit=1_000_000).lines]


def _of_lines(texts: Iterable[str]) -> Counter[str]:
    return Counter(text for text in texts if text.startswith("line "))


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The follower is not there after {_PATIENCE_S:g} s.")
        time.sleep(0.05)
