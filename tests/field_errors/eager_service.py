"""A service of two workers that load at the same time, when both have started."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from tests.field_errors.said import begin, end


def wait_for_the_other() -> None:
    folder = Path(os.environ["STARTED"])
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.01)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Load once the other worker has started, too."""
    wait_for_the_other()
    begin()
    end()
    yield


app = FastAPI(lifespan=lifespan)
