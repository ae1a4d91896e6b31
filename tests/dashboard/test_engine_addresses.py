"""Where a container's port is connected to: on this machine, beside it in its network, or from afar."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from dashboard.engine.addresses import NoAddress, address_of, own_container
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts

HERE = "unix:///var/run/docker.sock"
PROXY = "tcp://192.0.2.7:2375"  # an address for examples, which no machine has
WORKER = ContainerFacts("1", "worker", "image", "sha256:1", "running", addresses=("10.1.2.3",))


def published(host: str, container: ContainerFacts = WORKER) -> ContainerFacts:
    return ContainerFacts(
        "1",
        "worker",
        "image",
        "sha256:1",
        "running",
        addresses=container.addresses,
        ports={"8000/tcp": (host, 9000)},
    )


@pytest.mark.parametrize("engine", [HERE, "tcp://127.0.0.1:2375", "tcp://localhost:2375", "tcp://[::1]:2375"])
def test_on_this_machine_its_network_does_where_nothing_is_published(engine: str) -> None:
    assert address_of(WORKER, 8000, engine) == ("10.1.2.3", 8000)


def test_on_this_machine_the_published_port_is_used() -> None:
    assert address_of(published("127.0.0.1"), 8000, HERE) == ("127.0.0.1", 9000)


def test_an_engine_at_an_address_of_this_machine_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.engine.addresses._is_loopback", lambda host: False)
    assert address_of(WORKER, 8000, "tcp://127.0.0.1:2375") == ("10.1.2.3", 8000)


def test_on_another_machine_the_published_port_is_used_there() -> None:
    assert address_of(published("0.0.0.0"), 8000, PROXY) == ("192.0.2.7", 9000)


def test_what_another_machine_publishes_on_its_loopback_is_out_of_reach() -> None:
    with pytest.raises(
        NoAddress, match=r"worker publishes port 8000 on 127\.0\.0\.1 of .*192\.0\.2\.7\).*-p 8000:8000"
    ):
        address_of(published("127.0.0.1"), 8000, PROXY)


def test_the_network_of_another_machine_is_out_of_reach() -> None:
    with pytest.raises(NoAddress, match=r"its own network is on the engine's machine \(192\.0\.2\.7\)"):
        address_of(WORKER, 8000, PROXY)


def test_a_container_without_network_says_what_to_publish() -> None:
    alone = ContainerFacts("1", "worker", "image", "sha256:1", "running")
    with pytest.raises(NoAddress, match=r"has no network. Publish it \(-p 127\.0\.0\.1:8000:8000\)"):
        address_of(alone, 8000, HERE)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_behind_a_proxy_a_container_beside_us_is_met_in_its_network(listening: int, host: str) -> None:
    beside = ContainerFacts("1", "worker", "image", "sha256:1", "running", addresses=("127.0.0.1",))
    facts = published(host, beside)
    assert address_of(facts, 8000, PROXY, neighbour=True) == ("127.0.0.1", 8000)  # there, though it refuses
    assert address_of(facts, listening, PROXY, neighbour=True) == ("127.0.0.1", listening)


def test_of_several_networks_the_one_that_is_shared_is_used() -> None:
    facts = ContainerFacts("1", "worker", "image", "sha256:1", "running", addresses=("10.1.1.1", "10.2.2.2"))
    near = address_of(facts, 8000, PROXY, neighbour=True, knock=lambda host, port: host == "10.2.2.2")
    assert near == ("10.2.2.2", 8000)


def test_beside_it_without_a_shared_network_the_published_port_is_used() -> None:
    near = address_of(published("0.0.0.0"), 8000, PROXY, neighbour=True, knock=lambda host, port: False)
    assert near == ("192.0.2.7", 9000)


ID = "f" * 64


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        (f"717 690 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda1 rw", ID),
        (f"9 6 0:5 /containers/overlay-containers/{ID}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw", ID),
        ("24 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw", None),
        # The engine's own machine sees what is mounted for its containers
        (f"31 24 0:50 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw", None),
    ],
)
def test_a_container_knows_itself_by_what_its_engine_mounts(mounts: str, found: str | None) -> None:
    assert own_container(mounts) == found


@pytest.mark.parametrize(
    ("host", "machine", "beside"),
    [
        (PROXY, socket.gethostname(), True),  # a proxy on the engine's machine, where we are, too
        (PROXY, "another-machine", False),
        (PROXY, "", False),
        (HERE, socket.gethostname(), False),  # its published ports are here: no need to look further
    ],
)
def test_an_engine_behind_a_proxy_on_our_own_machine_is_known_by_its_name(
    monkeypatch: pytest.MonkeyPatch, host: str, machine: str, beside: bool
) -> None:
    monkeypatch.setattr("dashboard.engine.connection.own_container", lambda: None)
    engine = Engine(None, host)  # type: ignore[arg-type]  # nothing is asked of it
    engine._machine = machine
    assert engine.neighbour is beside
