"""One Docker engine: found as docker's own client finds it, asked through the SDK, its logs read raw."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import docker
from docker.context import ContextAPI
from docker.errors import ContextException
from docker.utils import version_lt

from dashboard.engine.addresses import own_container
from dashboard.engine.facts import SERVICE_LABEL, ContainerEnd, ContainerFacts, ends_in, facts_of
from dashboard.engine.faults import ContainerGone, EngineError, said_by_engine
from dashboard.engine.reading import LogReading, open_reading
from dashboard.engine.stamps import seconds
from dashboard.engine.stats import Counters, counters_of

__all__ = ["Engine"]

_TIMEOUT_S: Final = 20
_POOL: Final = 32
_LATE_S: Final = 0.1
"""After so long an engine has noted what it did."""
_SHORT_ID: Final = 12
_WHOLE_ID: Final = 64


class Engine:
    """A connection to one engine. Threading: any thread; the SDK's session keeps a pool of connections."""

    def __init__(self, client: docker.DockerClient, host: str) -> None:
        self._client, self.host = client, host
        self.clock_ahead_s = 0.0
        self._machine = ""
        self._neighbour: bool | None = None

    @classmethod
    def open(cls, env: Mapping[str, str] | None = None) -> Engine:
        """Connect as docker's client does: `DOCKER_HOST`, else the current context, else the socket.

        Raises:
            EngineError: nothing answers there, this user may not, or the engine is too old.
        """
        environment = dict(os.environ if env is None else env)
        if not environment.get("DOCKER_HOST"):
            environment["DOCKER_HOST"] = _context_host() or "unix:///var/run/docker.sock"
        host = environment["DOCKER_HOST"]
        with said_by_engine(host, f"The Docker engine at {host} was asked for its version"):
            if host.startswith("unix:"):
                _knock(urlsplit(host).path)
            client = docker.DockerClient.from_env(
                environment=environment, timeout=_TIMEOUT_S, max_pool_size=_POOL, version="auto"
            )
            opened = cls(client, host)
            asked = time.time()
            info = client.info()
            answered = time.time()
        opened._machine = info.get("Name") or ""
        told = seconds(info.get("SystemTime") or "")
        # A socket may lead to another machine as well: Docker Desktop's, or one that is forwarded
        if told is not None and not asked <= told <= answered:
            opened.clock_ahead_s = told - (asked + answered) / 2
        return opened

    def containers(self, *, everything: bool = True) -> tuple[ContainerFacts, ...]:
        """Return the containers, running ones first, then by name. One that vanishes meanwhile is left out.

        Raises:
            EngineError: the engine does not answer.
        """
        with said_by_engine(self.host, "Listing the containers failed"):
            found = self._client.containers.list(all=everything, ignore_removed=True)
        facts = [facts_of(container.attrs) for container in found]
        return tuple(sorted(facts, key=lambda one: (one.state != "running", one.name)))

    def container(self, name: str) -> ContainerFacts:
        """Look one container up by its name or id, or as the one of a compose service, as it is now.

        Raises:
            ContainerGone: there is none.
            EngineError: the engine does not answer, or the service has several containers.
        """
        try:
            with said_by_engine(self.host, f"Container {name} was looked for"):
                found = facts_of(self._client.api.inspect_container(name))
        except ContainerGone:
            of_service = self._of_service(name) if len(name) < _WHOLE_ID else None
            if of_service is None:
                raise
            return of_service
        if found.name == name or len(name) >= _SHORT_ID:
            return found
        # A few letters are the beginning of an id, too: whoever says `db` means the service
        return self._of_service(name) or found

    def _of_service(self, name: str) -> ContainerFacts | None:
        """Return the container of a compose service: the one that runs, else the only one; None without any.

        Raises:
            EngineError: several might be meant.
        """
        with said_by_engine(self.host, f"The compose service {name} was looked for"):
            listed = self._client.containers.list(
                all=True, ignore_removed=True, filters={"label": f"{SERVICE_LABEL}={name}"}
            )
        facts = [each for each in (facts_of(found.attrs) for found in listed) if not each.one_off]
        of_service = [each for each in facts if each.running] or facts
        if len(of_service) > 1:
            names = ", ".join(sorted(each.name for each in of_service))
            raise EngineError(
                f"The compose service {name} has {len(of_service)} containers ({names}). Name one of them."
            )
        return of_service[0] if of_service else None

    @property
    def neighbour(self) -> bool:
        """Whether this process is on this engine's networks: in a container, or on its machine."""
        if self._neighbour is None:
            own = own_container()
            try:
                self._neighbour = own is not None and self.container(own).running
            except EngineError:
                self._neighbour = False
            if not self.host.startswith("unix:"):
                self._neighbour = self._neighbour or self._machine == socket.gethostname()
        return self._neighbour

    def read_log(
        self,
        container: ContainerFacts,
        *,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> LogReading:
        """Open a container's log. `since` and `until` are Unix seconds, exact to the microsecond.

        Raises:
            ContainerGone, EngineError: as `container`; also for a log driver that cannot be read.
        """
        query = {"stdout": "1", "stderr": "1", "timestamps": "1"}
        query |= {"tail": "all" if tail is None else str(tail)}
        query |= {"follow": "1"} if follow else {}
        query |= {"since": f"{since:.6f}"} if since is not None else {}
        query |= {"until": f"{until:.6f}"} if until is not None else {}
        with said_by_engine(self.host, f"Reading the log of {container.name} failed"):
            return open_reading(self._client.api, self.host, container.id, query)

    def stats(self, container: ContainerFacts) -> Counters | None:
        """Return a container's counters as they are now; None when it does not run.

        Blocks for milliseconds; two seconds with an engine before Docker 20.10, which measures twice.

        Raises:
            ContainerGone, EngineError: as `container`.
        """
        api = self._client.api
        once = {} if version_lt(api.api_version, "1.41") else {"one_shot": True}
        with said_by_engine(self.host, f"The use of {container.name} was asked for"):
            return counters_of(api.stats(container.id, stream=False, **once))

    def restart(self, container: ContainerFacts, *, grace: int = 10) -> None:
        """Restart a container; `grace` seconds to end by itself, then it is killed.

        Raises:
            ContainerGone, EngineError: as `container`.
        """
        with said_by_engine(self.host, f"Restarting {container.name} failed"):
            # The answer comes when the container has started again, which a slow one may take its grace for
            self._client.api.restart(container.id, timeout=grace)

    def ends(self, container: ContainerFacts, since: float) -> tuple[ContainerEnd, ...]:
        """Return how often, and how, a container has ended since `since` (Unix seconds, the engine's clock).

        Raises:
            EngineError: the engine does not answer, or keeps its events to itself.
        """
        with said_by_engine(self.host, f"The ends of {container.name} were asked for"):
            found = self._client.api.events(
                since=int(since),
                # It waits for that moment; the SDK's types know whole seconds only
                until=f"{time.time() + self.clock_ahead_s + _LATE_S:.6f}",  # type: ignore[call-overload]
                filters={"type": "container", "container": container.id},
                decode=True,
            )
            return ends_in(event for event in found if event["timeNano"] / 1e9 >= since)

    def run_in(self, container: ContainerFacts, command: Sequence[str]) -> str:
        """Run a short command in a container and return what it wrote; its exit status is not looked at.

        Raises:
            ContainerGone, EngineError: as `container`; also where nothing may be run in it.
        """
        with said_by_engine(self.host, f"Running {command[0]} in {container.name} failed"):
            made = self._client.api.exec_create(container.id, list(command))
            return self._client.api.exec_start(made["Id"]).decode("utf-8", "replace")

    def api(self) -> docker.APIClient:
        """The SDK's low-level client, for what this class does not wrap."""
        return self._client.api

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._client.close()


def _knock(path: str) -> None:
    """Look whether anybody listens: the SDK leaves a socket behind for each try where nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(_TIMEOUT_S)
        link.connect(path)


def _context_host() -> str | None:
    try:
        context = ContextAPI.get_current_context()
    except (ContextException, OSError, ValueError) as error:
        raise EngineError(
            f"Docker's current context cannot be read ({error}). "
            "Repair it with `docker context`, or set DOCKER_HOST."
        ) from error
    host = getattr(context, "Host", None)
    return host if isinstance(host, str) else None
