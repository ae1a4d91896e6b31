"""What is known of a run without opening its record: the columns to list, search and filter by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, exists, func, select
from sqlalchemy import and_ as all_of
from sqlalchemy import or_ as any_of

from dashboard.evidence import Colour
from dashboard.record import RunRecord, RunStatus
from dashboard.tables import logs, run_tags, runs

__all__ = ["OUTCOMES", "Outcome", "RunFilter", "RunSummary", "count", "index_row", "summaries"]

Outcome = Literal["green", "red", "inconclusive", "running", "interrupted", "failed", "aborted"]
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "green", "red", "inconclusive", "running", "interrupted", "failed", "aborted"
)  # fmt: skip
"""What runs can be found by: a verdict, or what became of the run itself."""
_COLOURS: Final = ("green", "red", "inconclusive")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A row of the list of runs: what can be told without opening the record. Times are Unix seconds.

    Attributes:
        tags: what operators call it, sorted. note: what they wrote about it.
        size_bytes: what its record and its logs take of the history.
    """

    run_id: str
    created_at: float
    finished_at: float | None
    status: RunStatus
    verdict: Colour | None
    target: str
    guard: str
    jobs: int
    variants_per_job: int
    repeat: int
    actor: str
    load_started: int | None
    latency_p95_s: float | None = None
    note: str = ""
    size_bytes: int = 0
    tags: tuple[str, ...] = ()

    @property
    def variants(self) -> int:
        """How many variants were released at once."""
        return self.jobs * self.variants_per_job


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are meant; every part of it must hold.

    Attributes:
        text: each of its words stands in what a run is found by: its id, day, target, guard, actor, model,
            versions, tags or note, in any case.
        outcome: as in `OUTCOMES`. tags: it has all of these.
        since, until: launched from then on, and before then; Unix seconds.
        run_id: this one alone.
    """

    text: str = ""
    outcome: Outcome | None = None
    tags: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    run_id: str | None = None

    @property
    def everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self == RunFilter()

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row of `runs` must fulfil."""
        found: list[ColumnElement[bool]] = [_says(word) for word in self.text.casefold().split()]
        found += [_tagged(run_tags.c.tag == tag) for tag in self.tags]
        if self.outcome in _COLOURS:
            found.append(runs.c.verdict == self.outcome)
        elif self.outcome is not None:
            found.append(runs.c.status == self.outcome)
        if self.run_id is not None:
            found.append(runs.c.run_id == self.run_id)
        if self.since is not None:
            found.append(runs.c.created_at >= self.since)
        if self.until is not None:
            found.append(runs.c.created_at < self.until)
        return found


def _says(word: str) -> ColumnElement[bool]:
    # Tags are folded when they are given, notes are not: SQL folds no more than ASCII on some databases
    return any_of(
        runs.c.words.contains(word, autoescape=True),
        func.lower(runs.c.note).contains(word, autoescape=True),
        _tagged(run_tags.c.tag.contains(word, autoescape=True)),
    )


def _tagged(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(run_tags.c.run_id == runs.c.run_id, condition)


_PLAIN: Final = tuple(name for name in RunSummary.__dataclass_fields__ if name not in ("size_bytes", "tags"))
_LOG_BYTES: Final = (
    select(func.coalesce(func.sum(logs.c.size_bytes), 0)).where(logs.c.run_id == runs.c.run_id)
).scalar_subquery()
_SUMMARY: Final = [*(runs.c[name] for name in _PLAIN), (runs.c.size_bytes + _LOG_BYTES).label("size")]


def summaries(
    connection: Connection, wanted: RunFilter, *, limit: int | None, before: str | None = None, skip: int = 0
) -> tuple[RunSummary, ...]:
    """Return the newest runs first; `before` is the last run id of the page before this one."""
    query = select(*_SUMMARY).where(*wanted.conditions())
    query = query.order_by(runs.c.created_at.desc(), runs.c.run_id.desc()).limit(limit).offset(skip or None)
    if before is not None:
        then = select(runs.c.created_at).where(runs.c.run_id == before).scalar_subquery()
        query = query.where(
            any_of(runs.c.created_at < then, all_of(runs.c.created_at == then, runs.c.run_id < before))
        )
    rows = connection.execute(query).all()
    tags = _tags_of(connection, [row.run_id for row in rows])
    return tuple(
        RunSummary(
            **{name: getattr(row, name) for name in _PLAIN},
            size_bytes=int(row.size),
            tags=tags.get(row.run_id, ()),
        )
        for row in rows
    )


def count(connection: Connection, wanted: RunFilter) -> int:
    """Return how many runs there are."""
    return connection.scalar(select(func.count()).select_from(runs).where(*wanted.conditions())) or 0


def _tags_of(connection: Connection, run_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    query = select(run_tags.c.run_id, run_tags.c.tag).where(run_tags.c.run_id.in_(list(run_ids)))
    found: dict[str, tuple[str, ...]] = {}
    for run_id, tag in connection.execute(query.order_by(run_tags.c.tag)):
        found[run_id] = (*found.get(run_id, ()), tag)
    return found


def index_row(record: RunRecord) -> dict[str, Any]:
    """Return the columns of `runs` that follow from a record."""
    settings, verdict = record.settings, record.verdict
    latency = verdict.latency_s if verdict is not None else None
    return {
        "run_id": record.run_id,
        "created_at": record.created_at,
        "finished_at": record.finished_at,
        "status": record.status,
        "verdict": verdict.verdict if verdict is not None else None,
        "target": settings.target,
        "guard": settings.guard,
        "jobs": settings.jobs,
        "variants_per_job": settings.variants_per_job,
        "repeat": settings.repeat,
        "actor": record.actor,
        "load_started": verdict.counts.load_started if verdict is not None else None,
        "latency_p95_s": latency.p95 if latency is not None else None,
        "words": _words_of(record),
    }


def _words_of(record: RunRecord) -> str:
    """The words that a run is found by, in small letters whatever their script."""
    settings = record.settings
    verdict = None if record.verdict is None else record.verdict.verdict
    told = [record.run_id, record.status, verdict, settings.target, settings.guard, settings.model]
    told += [record.actor, record.sweep]
    told += [f"{name} {version}" for name, version in record.versions.items()]
    told.append(f"{datetime.fromtimestamp(record.created_at, UTC):%Y-%m-%d}")
    return " ".join(filter(None, told)).casefold().encode("utf-8", "replace").decode()
