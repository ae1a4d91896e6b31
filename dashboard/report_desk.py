"""The reports of a run as its page offers them: named by whom they are for, made when one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dashboard.language import _
from dashboard.record import RunRecord
from dashboard.report import kept_logs, report_bytes
from dashboard.store import Store

__all__ = ["Offer", "offers"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A file to download. `make` may take a second; `possible` says whether there is one now."""

    label: str
    file: str
    mime: str
    make: Callable[[], bytes]
    possible: bool = True


def offers(record: RunRecord, store: Store, newest: Callable[[str], RunRecord | None]) -> tuple[Offer, ...]:
    """Return what can be downloaded of a run; of one that is under way, as far as `newest` tells then."""

    def make(file: str) -> bytes:
        return report_bytes(newest(record.run_id) or record, file, logs)

    name, logs = f"loadonce-{record.run_id}", kept_logs(store, record.run_id)
    kinds = (
        (_("Page with charts (HTML)"), ".html", "text/html"),
        (_("Whole record (JSON)"), ".json", "application/json"),
        (_("For CI systems (JUnit XML)"), ".xml", "application/xml"),
        (_("Variants (CSV)"), ".csv", "text/csv"),
        (_("Load events (CSV)"), ".events.csv", "text/csv"),
        (_("Proof with logs and hashes (ZIP)"), ".zip", "application/zip"),
    )
    return tuple(
        Offer(
            label,
            f"{name}{ending}",
            mime,
            partial(make, f"{name}{ending}"),
            possible=ending != ".zip" or not record.running,
        )
        for label, ending, mime in kinds
    )
