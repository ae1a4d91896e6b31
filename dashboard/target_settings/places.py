"""Finds the line on which a key of a TOML text stands, for texts that tomllib has read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["lines_of"]

Path = tuple[str, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every table and key: `("targets", "yh", "container")` -> 7.

    A statement is as many lines as tomllib needs to read it; so strings and lists over several lines are
    no special case.
    """
    found: dict[Path, int] = {}
    table: Path = ()
    for line, statement in _statements(text):
        stripped = statement.lstrip()
        document = tomllib.loads(statement)
        if stripped.startswith("["):
            table = max(_paths(document), key=len)
            for depth in range(1, len(table) + 1):
                found.setdefault(table[:depth], line)
        else:
            for path in _paths(document):
                found.setdefault((*table, *path), line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    pending: list[str] = []
    begun = 1
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not pending:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            begun = number
        pending.append(line)
        statement = "\n".join(pending)
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # it goes on in the next line
        yield begun, statement
        pending = []


def _paths(document: Mapping[str, Any]) -> Iterator[Path]:
    for key, value in document.items():
        yield (key,)
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else value
        if isinstance(inner, Mapping):
            for path in _paths(inner):
                yield (key, *path)
