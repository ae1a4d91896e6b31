"""Containers for page tests: as they were recorded, without an engine."""

from __future__ import annotations

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.follower import Following
from dashboard.engine.shelf import Listing


class RecordedShelf:
    """Containers as they were, instead of an engine."""

    def __init__(self, *containers: ContainerFacts, problem: str = "") -> None:
        self._listing = Listing(containers, problem)
        self.states: dict[str, Following] = {}

    def listing(self) -> Listing:
        return self._listing

    def disturbs(self, name: str) -> str:
        if all(each.name != name for each in self._listing.containers):
            raise EngineError(f"No such container: {name}.")
        return f"{name} (feedlyai/work:3) has been up for 2 hours and has 4 open connections."

    def log_id(self, name: str) -> str:
        return f"log-of-{name}"

    def following(self, name: str) -> Following | None:
        return self.states.get(name)

    def close(self) -> None:
        pass
