"""The containers that pages show, from a real engine: listed, followed once, counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.faults import EngineError
from dashboard.engine.occupation import open_connections
from dashboard.engine.shelf import ContainerShelf, OtherNumbers
from dashboard.log_range import LogRange
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until

SLEEP = "import time; print('up'); time.sleep(600)"
TALK = """
import socket, time
here = socket.create_server(("", 9000))
print("up")
peers = [here.accept() for _ in range(2)]
print("two")
time.sleep(600)
"""


@pytest.fixture
def shelf(private: PrivateEngine) -> Iterator[ContainerShelf]:
    opened = ContainerShelf(lambda: Engine.open(private.environment()))
    yield opened
    opened.close()


def test_running_containers_are_listed_first(containers: Containers, shelf: ContainerShelf) -> None:
    ended = containers.python("print('over')", name="aaa")
    until(lambda: containers.engine.container(ended.name).state == "exited", 30)
    running = containers.python(SLEEP, name="bbb")
    names = [each.name for each in shelf.listing().containers]
    assert names.index(running.name) < names.index(ended.name)


def test_all_viewers_of_a_log_share_one_follower(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(SLEEP)
    for _ in range(3):
        shelf.log(container.name, LogRange())
    assert [each.name for each in threading.enumerate()].count(f"follow-{container.name}") == 1


def test_how_a_log_is_followed_is_told_while_it_is(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(SLEEP)
    assert shelf.following(container.name) is None
    shelf.log(container.name, LogRange())
    containers.private.client("kill", container.name)
    until(lambda: shelf.following(container.name).state == "stopped", 30)
    assert "Its log goes on when it starts again" in shelf.following(container.name).text


def test_a_log_that_nobody_looks_at_is_followed_no_more_after_a_while(
    containers: Containers, private: PrivateEngine
) -> None:
    now = [0.0]
    container, other = containers.python(SLEEP), containers.python(SLEEP)

    def open_engine() -> Engine:
        return Engine.open(private.environment())

    with closing(ContainerShelf(open_engine, clock=lambda: now[0], sweep_s=0.05)) as shelf:
        known = shelf.log_id(container.name)
        log = shelf.log(container.name, LogRange(log=known))
        shelf.log(other.name, LogRange()).release()
        now[0] = 5000.0
        until(lambda: shelf.following(other.name) is None, 30)
        assert shelf.following(container.name) is not None
        log.release()
        now[0] = 10_000.0
        until(lambda: shelf.following(container.name) is None, 30)
        with pytest.raises(OtherNumbers):
            shelf.log(container.name, LogRange(log=known))
        shelf.log(container.name, LogRange(log=shelf.log_id(container.name)))


def test_an_unknown_container_is_one_sentence(shelf: ContainerShelf) -> None:
    with pytest.raises(EngineError, match="No such container"):
        shelf.log("nobody", LogRange())


def test_without_an_engine_the_list_says_why() -> None:
    shelf = ContainerShelf(lambda: Engine.open({"DOCKER_HOST": "unix:///nowhere/docker.sock"}))
    assert "No Docker engine answers" in shelf.listing().problem


def test_closing_ends_every_follower(containers: Containers, shelf: ContainerShelf) -> None:
    log = shelf.log(containers.python(SLEEP).name, LogRange()).source
    shelf.close()
    assert log.closed


def test_what_a_restart_disturbs_is_asked_again_only_after_a_while(
    containers: Containers, private: PrivateEngine
) -> None:
    now = [0.0]
    container = containers.python(SLEEP)
    with closing(ContainerShelf(lambda: Engine.open(private.environment()), clock=lambda: now[0])) as shelf:
        told = shelf.disturbs(container.name)
        private.client("rm", "-f", container.name)
        assert shelf.disturbs(container.name) == told
        now[0] = 60.0
        with pytest.raises(EngineError, match="No such container"):
            shelf.disturbs(container.name)


def test_what_a_restart_disturbs_counts_open_connections(
    containers: Containers, shelf: ContainerShelf, engine: Engine
) -> None:
    server = containers.python(TALK)
    until(lambda: "up" in containers.private.client("logs", server.name).stdout, 30)
    address = engine.container(server.name).addresses[0]
    containers.python(
        "import socket, time\n"
        f"kept = [socket.create_connection(({address!r}, 9000)) for _ in range(2)]\ntime.sleep(600)"
    )
    until(lambda: "two" in containers.private.client("logs", server.name).stdout, 30)
    assert open_connections(engine, engine.container(server.name)) == 2
    assert "2 open connections" in shelf.disturbs(server.name)
