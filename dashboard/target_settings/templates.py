"""Placeholders of the user: `{variant_id}` in texts, `%(variant_id)s` in SQL, `${NAME}` for secrets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = [
    "EACH_JOB",
    "EACH_VARIANT",
    "PARAMETERS",
    "PLACEHOLDERS",
    "fill",
    "has_reference",
    "near",
    "parameters",
    "placeholders",
    "references",
    "unknown_placeholder",
    "without_references",
]

EACH_VARIANT: Final = frozenset({"variant_id", "n", "row"})
EACH_JOB: Final = frozenset({"job_id", "job_row"})
_OF_ALL: Final = frozenset({"run", "jobs", "variants_per_job", "variants"})
PLACEHOLDERS: Final = frozenset({"variant_id", "n", "job_id"}) | _OF_ALL
PARAMETERS: Final = EACH_VARIANT | EACH_JOB | _OF_ALL | {"job_ids", "variant_ids", "rows", "job_rows"}

_PLACEHOLDER: Final = re.compile(r"(?<!\$)\{([a-z_]+)\}")
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PARAMETER: Final = re.compile(r"%(?:(%)|\((\w+)\)[sbt]|)")


def near(word: str, known: Iterable[str]) -> str | None:
    """Return the word that was probably meant; None when none is close."""
    found = difflib.get_close_matches(word, sorted(known), 1, 0.6)
    return found[0] if found else None


def placeholders(text: str) -> frozenset[str]:
    """Return the placeholders that `text` uses. Other braces are the user's own and stay as they are."""
    return frozenset(_PLACEHOLDER.findall(text)) & PLACEHOLDERS


def unknown_placeholder(text: str) -> str | None:
    """Complain about a word in braces that is nearly a placeholder; None when there is none."""
    for word in _PLACEHOLDER.findall(text):
        meant = near(word, PLACEHOLDERS)
        if word not in PLACEHOLDERS and meant is not None:
            return f"{{{word}}} is no placeholder; {{{meant}}} is"
    return None


def fill(text: str, values: Mapping[str, object]) -> str:
    """Put the values in; what is in braces and has no value stays."""
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


def parameters(statement: str) -> frozenset[str]:
    """Return the names of the parameters of an SQL statement.

    Raises:
        ValueError: one of them is unknown, or a percent sign stands alone.
    """
    names: set[str] = set()
    for percent, name in _PARAMETER.findall(statement):
        if percent:
            continue
        if not name:
            raise ValueError("a percent sign stands alone: write %% for one, or %(variant_id)s and the like")
        if name not in PARAMETERS:
            meant = near(name, PARAMETERS)
            hint = f"%({meant})s is" if meant else f"there are {', '.join(sorted(PARAMETERS))}"
            raise ValueError(f"%({name})s is no parameter; {hint}")
        names.add(name)
    return frozenset(names)


def references(text: str) -> tuple[str, ...]:
    """Return the names of the environment variables that `text` refers to."""
    return tuple(_REFERENCE.findall(text))


def has_reference(text: str) -> bool:
    """Whether `text` takes something from the environment."""
    return _REFERENCE.search(text) is not None


def without_references(text: str, values: Mapping[str, str]) -> str:
    """Put the values of the environment variables in.

    Raises:
        KeyError: with the name of the first one that has no value.
    """
    return _REFERENCE.sub(lambda found: values[found[1]], text)
