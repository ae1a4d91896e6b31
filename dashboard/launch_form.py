"""The launch form as data: its presets, and how what was typed becomes `RunSettings`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dashboard.settings import Guard, RunSettings, SettingsError
from dashboard.wording import settings_sentence

__all__ = ["PRESETS", "Draft", "Preset", "draft"]

_COUNTS: Final = {"jobs": "Jobs", "variants_per_job": "Variants per job", "repeat": "Repeats"}


@dataclass(frozen=True, slots=True)
class Preset:
    """A run that is one press away."""

    key: str
    label: str
    caption: str
    icon: str
    settings: RunSettings


PRESETS: Final = (
    Preset(
        "prove",
        "Prove it: 3 variants, guard on",
        "Releases 3 variants at once at a fresh worker, then tries the same with the guard off. "
        "Should come out green.",
        ":material/verified_user:",
        RunSettings(),
    ),
    Preset(
        "break",
        "See it break: 3 variants, guard off",
        "The same release at a worker without the lock: real loads on top of each other. "
        "Should come out red.",
        ":material/heart_broken:",
        RunSettings(guard="off"),
    ),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form holds now: settings, or what is wrong with each field; never both."""

    settings: RunSettings | None
    errors: Mapping[str, str]
    sentence: str


def draft(values: Mapping[str, Any]) -> Draft:
    """Judge what was typed. A count that was cleared is None, an empty text means the default."""
    errors = {
        name: f"{label} is empty. Type a whole number, 1 or more."
        for name, label in _COUNTS.items()
        if values.get(name) is None
    }
    if values.get("timeout_s") is None:
        errors["timeout_s"] = "The timeout is empty. Type a number of seconds, such as 180."
    if errors:
        return Draft(None, errors, "")
    target: str = values["target"]
    ours = target == "local"
    # What is set in a container's own environment is hidden here
    guard: Guard = values["guard"] if ours else "on"
    settings = RunSettings(
        target=target,
        restart=bool(values.get("restart", True)),
        jobs=int(values["jobs"]),
        variants_per_job=int(values["variants_per_job"]),
        repeat=int(values["repeat"]),
        guard=guard,
        # The switch has no meaning for the other modes, where it cannot be reached.
        control=bool(values["control"]) if ours and guard == "on" else None,
        timeout_s=float(values["timeout_s"]),
        model=(values["model"].strip() or None) if ours else None,
    )
    try:
        return Draft(settings.check(), {}, settings_sentence(settings))
    except SettingsError as error:
        return Draft(None, error.errors, "")
