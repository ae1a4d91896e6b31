"""A server with one log that never ends, for a test of how it closes; its arguments: PORT TOKEN-FILE."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import uvicorn
from starlette.applications import Starlette

from dashboard.engine.records import Raw
from dashboard.live import live_routes
from dashboard.live_access import LiveTokens


class EndlessLog:
    """More than any browser takes."""

    def raws(self) -> Iterator[list[Raw]]:
        while True:
            yield [("stdout", b"x" * 1000)] * 100

    def texts(self, raws: list[Raw]) -> list[bytes]:
        return [text for _, text in raws]

    def close(self) -> None:
        """Nothing is held."""


class Console:
    """What the route needs of a console."""

    tokens = LiveTokens()

    def container_logs(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(whole_log=lambda *_: EndlessLog())


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(Console.tokens.issue("container:yh"), "utf-8")
    app = Starlette(routes=live_routes(Console, lambda *_: {}))  # type: ignore[arg-type]
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
