"""The SQL statements of a trigger: how often each is executed, with which values, for which variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dashboard.evidence import Variant
from dashboard.target_settings.templates import EACH_JOB, EACH_VARIANT, parameters
from dashboard.triggers.naming import Values

__all__ = ["Execution", "Statements"]


@dataclass(frozen=True, slots=True)
class Execution:
    """One statement to be executed once; `ids` are the variants that it is about."""

    statement: str
    values: Mapping[str, Any]
    ids: tuple[str, ...]
    each_variant: bool


class Statements:
    """Plans executions, and remembers what `create` has returned. For one thread."""

    def __init__(self, variants: tuple[Variant, ...], named: Mapping[str, Values]) -> None:
        self._named = named
        self._jobs: dict[str, tuple[str, ...]] = {}
        for variant in variants:
            self._jobs[variant.job_id] = (*self._jobs.get(variant.job_id, ()), variant.variant_id)
        self._rows: Final[dict[str, Any]] = {}
        self._job_rows: Final[dict[str, Any]] = {}

    def executions(self, statement: str) -> list[Execution]:
        """Return how often `statement` is executed: for each variant, for each job, or once."""
        used = parameters(statement)
        if used & EACH_VARIANT:
            groups: list[tuple[str, ...]] = [(name,) for name in self._named]
        elif used & EACH_JOB:
            groups = list(self._jobs.values())
        else:
            groups = [tuple(self._named)]
        each = bool(used & EACH_VARIANT)
        return [Execution(statement, self._values(ids[0]), ids, each) for ids in groups]

    def returned(self, execution: Execution, value: Any) -> None:
        """Note what a `create` statement has returned: the key of its row in the database."""
        target = self._rows if execution.each_variant else self._job_rows
        target.update(dict.fromkeys(execution.ids, value))

    def variant_of(self, told: object) -> str | None:
        """Return the id of the variant that a `done` query names; None for one that is not of this trial."""
        return self._names().get(str(told))

    def _names(self) -> dict[str, str]:
        return {str(self._rows.get(name, values["variant_id"])): name for name, values in self._named.items()}

    def _values(self, name: str) -> Mapping[str, Any]:
        values: dict[str, Any] = {
            **self._named[name],
            "variant_ids": [each["variant_id"] for each in self._named.values()],
            "job_ids": list(dict.fromkeys(each["job_id"] for each in self._named.values())),
        }
        for one, many, rows in (("row", "rows", self._rows), ("job_row", "job_rows", self._job_rows)):
            if name in rows:
                values |= {one: rows[name], many: list(dict.fromkeys(rows.values()))}
        return values
