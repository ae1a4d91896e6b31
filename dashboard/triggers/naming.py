"""What is told to strangers: names that no two trials share, and secrets that nobody sees."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from dashboard.evidence import Variant
from dashboard.target_settings.templates import references, without_references
from dashboard.triggers.base import TriggerError

__all__ = ["Secrets", "Values", "name_variants"]

Values = dict[str, str | int]
"""Placeholder or parameter -> its value, for one variant."""

_SHORTEST: Final = 4
"""Characters of a secret that is looked for in texts: a shorter one would be found in every word."""


def name_variants(variants: tuple[Variant, ...]) -> dict[str, Values]:
    """Return the values for each variant, by its id in the trial.

    A stranger may keep what it is given: a name must not mean a variant of an earlier trial.
    """
    run = secrets.token_hex(3)
    jobs = len({variant.job_id for variant in variants})
    shared: Values = {
        "run": run,
        "jobs": jobs,
        "variants_per_job": len(variants) // max(jobs, 1),
        "variants": len(variants),
    }
    return {
        variant.variant_id: {
            **shared,
            "variant_id": f"{variant.variant_id}.{run}",
            "job_id": f"{variant.job_id}.{run}",
            "n": number,
        }
        for number, variant in enumerate(variants, 1)
    }


class Secrets:
    """Puts in what `${NAME}` refers to, and takes it out of everything that is shown."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._used: dict[str, str] = {}

    def resolve(self, text: str, where: str) -> str:
        """Return `text` with the values put in; `where` is what it belongs to, in words.

        Raises:
            TriggerError: a variable is not set.
        """
        for name in references(text):
            value = self._environment.get(name)
            if value is None:
                raise TriggerError(
                    f"The environment variable {name}, to which {where} refers, is not set for the console. "
                    "Set it and start the console again."
                )
            self._used[name] = value
        return without_references(text, self._environment)

    def hide(self, text: str) -> str:
        """Return `text` with the names of the variables in place of their values."""
        for name, value in sorted(self._used.items(), key=lambda item: -len(item[1])):
            if len(value) >= _SHORTEST:
                text = text.replace(value, f"${{{name}}}")
        return text
