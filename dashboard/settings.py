"""What a run is asked to do, checked before anything starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

__all__ = [
    "DEFAULT_VARIANTS",
    "GUARDS",
    "MAX_CONTROL_TRIES",
    "MAX_REPEAT",
    "MAX_TIMEOUT_S",
    "MAX_VARIANTS",
    "Guard",
    "RunSettings",
    "SettingsError",
]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Guard = Literal["on", "off", "no-second-check", "per-model"]
GUARDS: Final[tuple[Guard, ...]] = get_args(Guard)

DEFAULT_VARIANTS: Final = 3
"""Of a job: on the command line, on pages, and in the runs that are one press away."""
MAX_VARIANTS: Final = 1000
"""Variants at once: each one is a thread and a connection, and the worker queues at most 1,024."""
MAX_REPEAT: Final = 1000
MAX_CONTROL_TRIES: Final = 100
MAX_TIMEOUT_S: Final = 3600.0


class SettingsError(ValueError):
    """Settings that no run can be made of.

    Attributes:
        errors: field of `RunSettings` -> one sentence that names what was given and what would be right.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors: Final = dict(errors)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One run: jobs × variants per job, released together, `repeat` times, each time in a fresh process.

    Attributes:
        target: `local`, a worker process that the run starts itself, or `container:NAME`.
        guard: which protection the worker's loader uses; every mode but `on` is a control.
        control: repeat the trial with the guard off to show that it can fail; None means yes where the
            target can be unguarded (the local one with its guard on).
        control_tries: how often the control is made, all of them, red or not; None means up to three times,
            until it is red once.
        timeout_s: seconds from release until every variant must have answered.
        model: checkpoint folder or hub id; None is the demo checkpoint.
        warm: have the model loaded before the release: then nothing is to be loaded, and all answers are to
            come from that one model. Only our own worker can be asked for that.
    """

    target: str = "local"
    jobs: int = 1
    variants_per_job: int = DEFAULT_VARIANTS
    repeat: int = 1
    guard: Guard = "on"
    control: bool | None = None
    restart: bool = True
    timeout_s: float = 180.0
    model: str | None = field(default=None)
    control_tries: int | None = None
    warm: bool = False

    @property
    def variants(self) -> int:
        """How many variants are released at once."""
        return self.jobs * self.variants_per_job

    @property
    def wants_control(self) -> bool:
        """Whether a trial with the guard off belongs to this run."""
        if self.guard != "on":
            return False
        return self.target == "local" if self.control is None else self.control

    def check(self) -> RunSettings:
        """Return these settings when a run can be made of them.

        Raises:
            SettingsError: with one sentence for each field that is wrong.
        """
        errors: dict[str, str] = {}
        kind, _, name = self.target.partition(":")
        if self.target != "local" and (kind != "container" or not _NAME.fullmatch(name)):
            errors["target"] = (
                f"The target {self.target!r} is not known here. "
                "Use `local`, or `container:NAME` with the name that `docker ps` shows."
            )
        if kind == "container":
            errors |= self._wrong_for_container()
        if self.guard not in GUARDS:
            errors["guard"] = f"The guard mode {self.guard!r} is not one of {', '.join(GUARDS)}."
        for name, label in (("jobs", "Jobs"), ("variants_per_job", "Variants per job")):
            count = getattr(self, name)
            if not 1 <= count <= MAX_VARIANTS:
                errors[name] = f"{label} must be between 1 and {MAX_VARIANTS:,}; {count:,} was given."
        if not errors.keys() & {"jobs", "variants_per_job"} and self.variants > MAX_VARIANTS:
            errors["variants_per_job"] = (
                f"{self.jobs:,} jobs of {self.variants_per_job:,} variants are {self.variants:,} at once; "
                f"at most {MAX_VARIANTS:,} can be released together. Lower one of the two."
            )
        if not 1 <= self.repeat <= MAX_REPEAT:
            errors["repeat"] = f"Repeats must be between 1 and {MAX_REPEAT:,}; {self.repeat:,} was given."
        if not 1 <= self.timeout_s <= MAX_TIMEOUT_S:  # also refuses NaN
            errors["timeout_s"] = (
                f"The timeout must be between 1 and {MAX_TIMEOUT_S:,.0f} seconds; "
                f"{self.timeout_s:g} was given."
            )
        if self.warm and self.wants_control:
            errors["control"] = (
                "With the model loaded before the release nothing is loaded: a control would show nothing. "
                "Leave the control out, or begin cold."
            )
        if self.control and self.guard != "on":
            errors["control"] = (
                f"A control compares with the guard off; with guard {self.guard!r} there is nothing "
                "to compare. Leave the control out, or set the guard to `on`."
            )
        if self.control_tries is not None:
            if not 1 <= self.control_tries <= MAX_CONTROL_TRIES:
                errors["control_tries"] = (
                    f"Tries of the control must be between 1 and {MAX_CONTROL_TRIES}; "
                    f"{self.control_tries:,} was given."
                )
            elif not self.wants_control:
                errors["control_tries"] = (
                    "Tries of the control were asked for, and this run makes none. Leave them out, or set "
                    "the guard to `on` with a control at the local target."
                )
        if self.model is not None and not self.model.strip():
            errors["model"] = (
                "The model is empty. Name a folder or a hub id, or leave it out for the demo checkpoint."
            )
        if errors:
            raise SettingsError(errors)
        return self

    def _wrong_for_container(self) -> dict[str, str]:
        """What can be asked of a worker that the run starts itself, and of no container."""
        errors: dict[str, str] = {}
        if self.guard != "on":
            errors["guard"] = (
                f"The guard of a container cannot be set from here ({self.guard!r} was given). "
                "Set LOADONCE_GUARD in its environment, and launch with the guard `on`."
            )
        if self.control:
            errors["control"] = (
                "A container cannot be made to run without its guard, so there is no control. Leave it out, "
                "or make the control with the local target."
            )
        if self.model is not None:
            errors["model"] = (
                "The model of a container is set in its own environment (LOADONCE_MODEL). Leave it out here."
            )
        if self.repeat > 1 and not self.restart:
            errors["repeat"] = "Each repeat needs a restart of the container. Allow it, or make one trial."
        return errors
