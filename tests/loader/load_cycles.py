"""Loads and unloads again and again, and tells what the process holds before and after.

    python -m tests.loader.load_cycles WHAT CYCLES

prints one JSON object: {"before": {…}, "after": {…}, "cycles": n}. A tenth of the cycles, 20 at least, go
before the first reading: they fill the journal's ring, the allocator's pools and the libraries' caches.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loader import OnceLoader, Settings
from loader.gate import Gate
from loader.journal import JOURNAL, Journal

PAYLOAD = 4096  # bytes of a stub's model: kept by mistake, they show after a few hundred cycles


def held() -> dict[str, float]:
    """What the process holds: megabytes, threads, open files and objects."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back, so that fragments are not taken for a leak
    # Resident and not proportional memory: that changes as other processes, which share pages, come and go
    resident = re.search(r"^Rss:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    assert resident is not None
    return {
        "megabytes": int(resident[1]) / 1024,
        "threads": threading.active_count(),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "objects": len(gc.get_objects()),
    }


def stub_loader(load: Callable[[], object], **options: Any) -> OnceLoader[Any]:
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
    journal = Journal(stream=lambda: nowhere, keep=50)
    return OnceLoader(load, name="stub", gate=Gate("cycles"), journal=journal, **options)


def good(load: Callable[[], object]) -> Callable[[], None]:
    loader = stub_loader(load)

    def cycle() -> None:
        loader.get()
        assert loader.unload()

    return cycle


def failing() -> Callable[[], None]:
    def load() -> None:
        half_read = bytearray(PAYLOAD)
        raise OSError(f"the shard ends after {len(half_read)} bytes")

    loader = stub_loader(load, cool_down=0)

    def cycle() -> None:
        try:
            loader.get()
        except OSError:
            return
        raise AssertionError("the load did not fail")

    return cycle


def giving_up() -> Callable[[], None]:
    """Callers that do not wait for a load: what is made for them must go with them."""
    loader = stub_loader(lambda: bytearray(PAYLOAD))

    def cycle() -> None:
        try:
            loader.get(timeout=0)
        except TimeoutError:
            loader.get()
        assert loader.unload()

    return cycle


def llava() -> Callable[[], None]:
    from loader.llava import llava_source

    JOURNAL._ring = type(JOURNAL._ring)(maxlen=50)
    _, source = llava_source(Settings.from_environment())
    assert isinstance(source, OnceLoader)

    def cycle() -> None:
        source.get()
        assert source.unload()

    return cycle


KEPT: list[Any] = []


def keep_models() -> object:
    KEPT.append(bytearray(PAYLOAD))
    return KEPT[-1]


def keep_threads() -> object:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    return object()


def keep_files() -> object:
    KEPT.append(os.open(os.devnull, os.O_RDONLY))
    return object()


def keep_objects() -> object:
    KEPT.append([])
    return object()


WHAT: dict[str, Callable[[], Callable[[], None]]] = {
    "stub": lambda: good(lambda: bytearray(PAYLOAD)),
    "failing": failing,
    "giving_up": giving_up,
    "llava": llava,
    "keep_models": lambda: good(keep_models),
    "keep_threads": lambda: good(keep_threads),
    "keep_files": lambda: good(keep_files),
    "keep_objects": lambda: good(keep_objects),
}


def main(what: str, cycles: int) -> None:
    cycle = WHAT[what]()
    held()
    for _ in range(max(20, cycles // 10)):
        cycle()
    before = held()
    for _ in range(cycles):
        cycle()
    sys.stdout.write("\n" + json.dumps({"before": before, "after": held(), "cycles": cycles}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
