"""A container's whole log as a file, from a real engine: byte for byte, and honest when it breaks off."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.shelf import ContainerShelf
from dashboard.live_files import container_blocks
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until

SLEEP = "; import time; time.sleep(600)"


@pytest.fixture
def shelf(private: PrivateEngine) -> Iterator[ContainerShelf]:
    opened = ContainerShelf(lambda: Engine.open(private.environment()))
    yield opened
    opened.close()


def written(containers: Containers, name: str, words: str) -> None:
    until(lambda: words in containers.private.client("logs", "--tail", "3", name).stdout, 60)


def test_both_streams_come_in_the_order_in_which_they_were_written(
    containers: Containers, shelf: ContainerShelf
) -> None:
    script = (
        "import sys, time\n"
        "for n in range(20):\n"
        "    print(n, file=sys.stderr if n % 2 else sys.stdout)\n"
        "    time.sleep(0.02)\n"
        r"print('\x1b[31m' + 'x' * 40000 + '\r100%')"
        "\nprint('the end')\ntime.sleep(600)"
    )
    container = containers.python(script)
    written(containers, container.name, "the end")
    whole = b"".join(container_blocks(shelf.whole_log(container.name, None, None)))
    numbers = "".join(f"{n}\n" for n in range(20))
    assert whole.decode() == f"{numbers}\x1b[31m{'x' * 40000}\r100%\nthe end\n"


def test_a_part_is_from_one_moment_to_another(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python("print('one'); import time; time.sleep(2); print('two')" + SLEEP)
    written(containers, container.name, "two")
    middle = (container.started_at or 0.0) + 1.0
    parts = [(None, middle), (middle, None), (middle, middle)]
    found = [b"".join(container_blocks(shelf.whole_log(container.name, *part))) for part in parts]
    assert found == [b"one\n", b"two\n", b""]


def test_a_slow_browser_makes_the_reading_wait_and_neither_memory_nor_the_container(
    containers: Containers, shelf: ContainerShelf
) -> None:
    script = (
        "for n in range(300000): print(f'{n:07d}', 'x' * 90)\nprint('the end'); import time; time.sleep(600)"
    )
    container = containers.python(script)
    written(containers, container.name, "x")
    blocks = container_blocks(shelf.whole_log(container.name, None, None))
    sizes = [len(next(blocks))]  # and then the browser takes no more
    written(containers, container.name, "the end")
    sizes += [len(block) for block in container_blocks(shelf.whole_log(container.name, None, None))]
    assert sum(sizes[1:]) == 300000 * 99 + len("the end\n")
    assert max(sizes) < 1024 * 1024


def test_an_engine_that_is_killed_in_the_middle_is_told_in_the_last_line(
    containers: Containers, shelf: ContainerShelf
) -> None:
    container = containers.python("[print('x' * 1000) for n in range(60000)]; print('the end')" + SLEEP)
    written(containers, container.name, "the end")
    blocks = container_blocks(shelf.whole_log(container.name, None, None))
    first = next(blocks)
    containers.private.crash()
    try:
        rest = b"".join(blocks)
    finally:
        containers.private.revive()
    assert first.startswith(b"xxx")
    assert rest.decode().splitlines()[-1].startswith("-- This log is not whole: ")


def test_a_reading_that_is_closed_ends_at_once_though_the_engine_says_nothing(
    containers: Containers, private: PrivateEngine
) -> None:
    container = containers.python("print('up')" + SLEEP)
    written(containers, container.name, "up")
    with_follow = Engine.open(private.environment())
    # A follow never ends by itself, as a log of an engine that hangs does not
    hanging = SimpleNamespace(
        container=with_follow.container,
        clock_ahead_s=0.0,
        close=with_follow.close,
        read_log=lambda container, **_: with_follow.read_log(container, follow=True),
    )
    shelf = ContainerShelf(lambda: hanging)
    log = shelf.whole_log(container.name, None, time.time())
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.extend(container_blocks(log)))
    reader.start()
    until(lambda: seen, 30)
    log.close()
    reader.join(60)
    assert not reader.is_alive()
    shelf.close()
