"""The lines of code in a cure do what it says: each is run as a service would, many threads at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dashboard.examples import AWAITED, ONCE_LOADER, OWN_LOCK, SHARED_GATE
from dashboard.remedies import REMEDIES
from loader import OnceLoader

ROOT = Path(__file__).resolve().parents[2]
THREADS = 8


class Service:
    """A module with the lines in it, whose own load takes until every thread has asked."""

    def __init__(self, lines: str) -> None:
        self.loads = 0
        self.all_here = threading.Barrier(THREADS)
        self.names: dict[str, Any] = {"load": self.load}
        exec(lines, self.names)

    def load(self) -> tuple[str, object]:
        self.loads += 1
        return "processor", object()

    def ask(self) -> Any:
        self.all_here.wait(timeout=60)
        return self.names["get_llava_model"]()


@pytest.mark.parametrize(
    "lines",
    [
        OWN_LOCK,
        # The body that the reader is to fill in is put there
        ONCE_LOADER.replace("    return processor, model\n", "    return service_load()\n"),
    ],
    ids=["own-lock", "once-loader"],
)
def test_the_lines_load_once_for_all_threads(lines: str) -> None:
    service = Service(lines)
    service.names["service_load"] = service.load
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [each.result() for each in [pool.submit(service.ask) for _ in range(THREADS)]]
    assert service.loads == 1
    assert len({id(model) for _processor, model in answers}) == 1


def test_a_load_without_the_lines_would_be_caught() -> None:
    service = Service("def get_llava_model():\n    return load()\n")
    with ThreadPoolExecutor(THREADS) as pool:
        [each.result() for each in [pool.submit(service.ask) for _ in range(THREADS)]]
    assert service.loads == THREADS


def test_the_line_for_asyncio_awaits_the_loader() -> None:
    llava = OnceLoader(lambda: ("processor", "model"), name="llava")
    indented = f"async def handle():\n    {AWAITED}    return processor, model\n"
    names: dict[str, Any] = {"LLAVA": llava}
    exec(indented, names)
    assert asyncio.run(names["handle"]()) == ("processor", "model")


@pytest.mark.model
def test_the_lines_for_code_that_is_not_yours_let_it_pass_the_gate() -> None:
    shown = "from transformers import PreTrainedModel\nprint(PreTrainedModel.from_pretrained.__wrapped__)\n"
    done = subprocess.run(
        [sys.executable, "-c", SHARED_GATE + shown], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "from_pretrained" in done.stdout


def test_every_cure_that_shows_lines_leads_to_the_page_that_hands_out_the_loader() -> None:
    shown = {code: remedy for code, remedy in REMEDIES.items() if remedy.example}
    assert {"lock_not_used", "guard_off", "beside_the_guard"} <= set(shown)
    assert {remedy.link for remedy in shown.values()} == {"guide?about=loader"}
    assert REMEDIES["restarted"].link is None
