"""Which containers a page may show, and which of them may be acted on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.shelf import Listing
from dashboard.target_settings import TargetSettings, TargetSettingsError, target_settings

__all__ = ["Shown", "shown_of"]


@dataclass(frozen=True, slots=True)
class Shown:
    """The containers that may be seen, and which of them may be acted on; `problem` says why there are none.

    `faults` says what is wrong with targets.toml: nothing is seen then, or acted on, but what is labelled.
    `everything` says that nothing is hidden, so that one which is not there may be named, too.
    """

    containers: tuple[ContainerFacts, ...]
    allowed: frozenset[str]
    problem: str = ""
    faults: str = ""
    everything: bool = True

    def unseen(self, name: str) -> str:
        """Return why the container `name` may not be seen, as a sentence; nothing when it may."""
        if self.everything or any(each.name == name for each in self.containers):
            return ""
        if self.faults:
            return f"The container {name} is not shown now: targets.toml, which may hide it, cannot be read."
        return self.problem or (
            f"The container {name} is not shown here: it does not exist, or targets.toml hides it "
            '([containers] show = "allowed").'
        )


def shown_of(listing: Listing, home: Path | None) -> Shown:
    """Return what of `listing` the settings in `home` let be seen; without a folder the defaults hold."""
    faults, settings = "", TargetSettings()
    try:
        settings = target_settings(home) if home is not None else settings
    except TargetSettingsError as error:
        faults = str(error)
    # What a broken file would have hidden is not known
    everything = not faults and settings.containers.show == "all"
    seen = tuple(each for each in listing.containers if (each.labelled if faults else settings.shows(each)))
    allowed = frozenset(each.name for each in seen if settings.allows(each))
    return Shown(seen, allowed, listing.problem, faults, everything)
