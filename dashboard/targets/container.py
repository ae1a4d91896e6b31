"""The container target: a service in a Docker container, restarted for every trial."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ALLOW_LABEL, ContainerFacts
from dashboard.engine.faults import EngineError, EngineRefused
from dashboard.engine.occupation import occupation
from dashboard.profiles import Profile
from dashboard.revision import IMAGE_LABEL
from dashboard.settings import Guard, RunSettings
from dashboard.target_settings import TargetEntry, TargetSettings
from dashboard.targets.base import LineSink, TargetError, TargetUnreachable, Warmth
from dashboard.targets.container_session import ContainerSession
from dashboard.timeline import UnknownProfile, named_profile
from dashboard.waiting import SLICE_S, Cancelled, never

__all__ = ["ContainerTarget", "only_looked_at"]


class ContainerTarget:
    """One container, named as on docker's own command line. Threading: as `Target`."""

    def __init__(
        self,
        container: str,
        open_engine: Callable[[], Engine],
        settings: TargetSettings = TargetSettings(),  # noqa: B008 - frozen
    ) -> None:
        self.name: Final = f"container:{container}"
        self._container, self._open_engine, self._settings = container, open_engine, settings
        named = settings.find(container)
        self._is_named, self._entry = named is not None, named or TargetEntry(container=container)
        self._engine: Engine | None = None
        self._lock = threading.Lock()  # guards the opening of the engine: once, by whoever needs it first

    def beginning(self, settings: RunSettings) -> str:
        """Say what `start` does."""
        return f"Restarting {self._container}." if settings.restart else f"Looking at {self._container}."

    def look(self) -> ContainerFacts:
        """Return the container as it is now.

        Raises:
            TargetError: the engine or the container is out of reach.
        """
        try:
            return self._found(self._connected())
        except EngineError as error:
            raise TargetError(str(error)) from error

    @property
    def profile(self) -> Profile | str | None:
        """Whose patterns tell its loads, as `targets.toml` says: built in, or the user's own.

        Raises:
            UnknownProfile: there is none of that name.
        """
        return named_profile(self._entry.profile, self._settings.own_profiles())

    def disturbs(self) -> str:
        """Return what a restart would disturb, as a sentence.

        A short command runs in the container for that.

        Raises:
            TargetError: as `look`, or the container may not be acted on.
        """
        found = self.look()
        self._check_allowed(found)
        return occupation(self._connected(), found)

    def preflight(self, settings: RunSettings) -> None:
        """Look whether the container may be acted on, can be reached, and has a log that can be read.

        Raises:
            TargetError: it cannot be tested; nothing was touched.
        """
        found = self.look()
        self._check_allowed(found)
        try:
            _ = self.profile
        except UnknownProfile as error:  # settings that were made by hand; those of a file are checked
            raise TargetError(f"{found.name}: {error}") from error
        self._check_log(found)
        if settings.restart and found.swarm_task is not None:
            raise TargetError(
                f"{found.name} is a task of a Swarm service, which would start another in its place. "
                "Launch without a restart, or update the service with `docker service update --force`."
            )
        if not settings.restart and not found.running:
            raise TargetError(f"{found.name} is {found.state}. Start it, or launch with a restart.")

    def warmth(self) -> Warmth:
        """A container needs no preparation here; its versions are those of its image."""
        try:
            found = self.look()
        except TargetError as error:
            return Warmth("ready", str(error))  # the start says the same, as what it is: out of reach
        versions = {"image": found.image, "image digest": found.image_id.removeprefix("sha256:")}
        if revision := found.labels.get(IMAGE_LABEL, "").strip():
            versions["git revision"] = revision
        return Warmth("ready", f"{found.name} is {found.state}.", 0.0, versions)

    def wait_warm(self, timeout: float) -> Warmth:
        """As `warmth`: there is nothing to wait for."""
        return self.warmth()

    def start(
        self,
        settings: RunSettings,
        guard: Guard,
        source: str,
        sink: LineSink,
        cancelled: Cancelled = never,
    ) -> ContainerSession:
        """Restart the container, unless the settings say not to, and follow its log from that start on.

        Raises:
            TargetUnreachable: the engine would not, or the container is gone or may not be acted on.
            TargetError: `cancelled()` became true.
        """
        engine = self._connected()
        try:
            found = self._found(engine)
            self._check_allowed(found)  # once more: another of the same name may have come since
            if settings.restart:
                _restart(engine, found, cancelled)
                found = engine.container(found.id)
        except EngineError as error:
            raise TargetUnreachable(str(error)) from error
        return ContainerSession(engine, found, self._entry, source, sink, fresh=settings.restart)

    def close(self) -> None:
        """Close the connection to the engine; the container goes on. Idempotent."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def _check_allowed(self, found: ContainerFacts) -> None:
        if not self._settings.allows(found):
            raise TargetUnreachable(only_looked_at(found.name))

    def _check_log(self, found: ContainerFacts) -> None:
        """Ask for none of its lines: most drivers keep a copy to read from, unless they are told not to."""
        try:
            self._connected().read_log(found, tail=0).close()
        except EngineRefused as error:
            raise TargetError(
                f"The log of {found.name} goes to the driver {found.log_driver!r}, and cannot be read back. "
                f"Run it with --log-driver json-file or local. ({error})"
            ) from error
        except EngineError as error:
            raise TargetError(str(error)) from error

    def _found(self, engine: Engine) -> ContainerFacts:
        if self._entry.service is None:
            found = engine.container(self._entry.container or self._container)
            if not self._is_named:  # by its id, or as a service whose container has the entry
                self._entry = self._settings.entry_for(found) or self._entry
            return found
        of_service = [found for found in engine.containers() if self._entry.is_for(found)]
        if len(of_service) == 1:
            return of_service[0]
        names = ", ".join(found.name for found in of_service)
        raise EngineError(
            f"The compose service {self._entry.service} has no container here: docker compose up -d."
            if not of_service
            else f"The compose service {self._entry.service} has {len(of_service)} containers ({names}). "
            "Name one of them, or the project that is meant, in targets.toml."
        )

    def _connected(self) -> Engine:
        with self._lock:
            if self._engine is None:
                try:
                    self._engine = self._open_engine()
                except EngineError as error:
                    raise TargetUnreachable(str(error)) from error
            return self._engine


def only_looked_at(name: str) -> str:
    """Return why a container may not be acted on, as a sentence with the next step."""
    return (
        f"The container {name} may only be looked at: it is on nobody's list. Give it the "
        f"label {ALLOW_LABEL}=true, or name it under [containers] allow in targets.toml."
    )


def _restart(engine: Engine, container: ContainerFacts, cancelled: Cancelled) -> None:
    """Restart, and come back soon after `cancelled()` is true; the engine then finishes it by itself."""
    failed: list[EngineError] = []

    def work() -> None:
        try:
            engine.restart(container)
        except EngineError as error:
            failed.append(error)

    thread = threading.Thread(target=work, name=f"restart-{container.name}", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(SLICE_S)
        if cancelled():
            raise TargetError(f"The restart of {container.name} was asked for, and its end not waited for.")
    if failed:
        raise failed[0]
