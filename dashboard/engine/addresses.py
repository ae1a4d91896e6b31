"""Where a container's port can be reached from here: at its published address, else on its own network."""

from __future__ import annotations

from urllib.parse import urlsplit

from dashboard.engine.facts import ContainerFacts

__all__ = ["address_of"]

_ANY = ("", "0.0.0.0", "::")


def address_of(container: ContainerFacts, port: int, engine_host: str) -> tuple[str, int] | None:
    """Return host and port; None when the container has neither a published port nor a network.

    `engine_host` is where the engine listens, as in `DOCKER_HOST`: what it publishes is published there.
    """
    there = urlsplit(engine_host).hostname or "127.0.0.1"
    published = container.ports.get(f"{port}/tcp")
    if published is not None:
        host, number = published
        return (there if host in _ANY else host, number)
    if container.host_network:
        return (there, port)
    return (container.addresses[0], port) if container.addresses else None
