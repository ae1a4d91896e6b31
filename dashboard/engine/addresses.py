"""Where a container's port can be reached from here: published, on a network that we share, or not at all.

engine on this machine                   the published address, else the container's own
… behind a proxy, or we in a container   the container's own address, else the published one
engine on another machine                the published address there, unless that is its loopback
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError

__all__ = ["NoAddress", "address_of", "own_container", "reachable_address"]

_ANY: Final = ("", "0.0.0.0", "::")
_KNOCK_S: Final = 0.5
_MOUNTED: Final = re.compile(r"containers/([0-9a-f]{64})/\S* /etc/(?:hostname|hosts|resolv\.conf) ")
"""What an engine mounts into each container comes from a folder that has the container's id for its name."""

Knock = Callable[[str, int], bool]
"""Tells whether a host is there, be it that it takes no connection at this port."""


class NoAddress(EngineError):
    """A container's port cannot be connected to from here."""


class Where(Protocol):
    """What must be known of an engine. `neighbour`: we are on its networks, be it in a container of it."""

    host: str

    @property
    def neighbour(self) -> bool: ...


def reachable_address(engine: Where, container: ContainerFacts, port: int) -> tuple[str, int]:
    """Return the host and port at which `port` of a container can be connected to. Blocks for a moment.

    Raises:
        NoAddress: there is none; the message says what to do.
    """
    return address_of(container, port, engine.host, neighbour=engine.neighbour)


def address_of(
    container: ContainerFacts,
    port: int,
    engine_host: str,
    *,
    neighbour: bool = False,
    knock: Knock | None = None,
) -> tuple[str, int]:
    """As `reachable_address`, for an engine that listens at `engine_host`, as in `DOCKER_HOST`."""
    there = urlsplit(engine_host).hostname or "127.0.0.1"
    remote = not _is_here(there)
    published = container.ports.get(f"{port}/tcp")
    if neighbour and not container.host_network:
        # What answers as the engine's host may be a proxy before its socket, where no port is published
        near = next((host for host in container.addresses if (knock or _is_there)(host, port)), None)
        if near is not None:
            return near, port
    if published is not None:
        host, number = published
        if host in _ANY:
            return there, number
        if remote and _is_loopback(host):
            raise NoAddress(
                f"{container.name} publishes port {port} on {host} of the engine's machine ({there}) alone, "
                f"out of reach from here. Publish it for others (-p {port}:{port}), put this console into "
                "its network, or run it on that machine."
            )
        return host, number
    if container.host_network:
        return there, port
    if container.addresses and not remote:
        return container.addresses[0], port
    raise NoAddress(_no_way(container, port, there, remote=remote))


def own_container(mounts: str | None = None) -> str | None:
    """Return the id of the container that this process is in; None outside of any."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
        except OSError:  # no Linux
            return None
    found = _MOUNTED.search(mounts)
    return None if found is None else found[1]


def _no_way(container: ContainerFacts, port: int, there: str, *, remote: bool) -> str:
    if remote and container.addresses:
        return (
            f"{container.name} cannot be reached: it publishes no port {port}, and its own network is on the "
            f"engine's machine ({there}). Publish it (-p {port}:{port}), or run this console in its network."
        )
    return (
        f"{container.name} cannot be reached: it publishes no port {port} and has no network. "
        f"Publish it (-p 127.0.0.1:{port}:{port}), or correct the port of its trigger in targets.toml."
    )


def _is_here(host: str) -> bool:
    """Whether a name or address is this machine's own: only to such a one can a socket be bound."""
    if _is_loopback(host):
        return True
    try:
        for family, _, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
            with socket.socket(family, socket.SOCK_DGRAM) as here:
                here.bind(address)
    except OSError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_there(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_KNOCK_S).close()
    except OSError as error:
        return error.errno == errno.ECONNREFUSED
    return True
