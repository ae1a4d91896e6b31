"""What a trial asks of a trigger, whatever kind it is.

open_trigger() --> arm() --> release() --> … every variant answered or failed … --> close()
"""

from __future__ import annotations

from typing import Protocol

from dashboard.evidence import Variant
from dashboard.waiting import Cancelled, never

__all__ = ["Trigger", "TriggerError", "TriggerUnreachable", "plan_variants"]


class TriggerError(Exception):
    """The variants could not be released. The message is one sentence with the next step."""


class TriggerUnreachable(TriggerError):
    """Nothing answers where the variants should go: exit code 4."""


class Trigger(Protocol):
    """One release of variants.

    Threading: `variants`, `done` and `skew_ms` may be read from any thread; the rest is for the trial's own.
    """

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every variant as it stands now."""

    @property
    def done(self) -> bool:
        """Whether every variant has been answered or has failed."""

    @property
    def skew_ms(self) -> float | None:
        """From the first variant sent to the last, once that is known."""

    @property
    def unreached(self) -> str | None:
        """Why not one variant got to where it should go, as a sentence, where only the release could tell."""

    def arm(self, timeout: float, *, cancelled: Cancelled = never) -> None:
        """Prepare everything up to the last word: connections, rows, commands.

        Raises:
            TriggerUnreachable: nothing answers where the variants should go.
            TriggerError: it cannot be prepared, it took longer than `timeout` seconds, or `cancelled()`
                became true.
        """

    def release(self) -> None:
        """Let all variants go at once. Only after `arm`; returns before they are answered."""

    def wait(self, timeout: float) -> bool:
        """Wait for the last answer; False after `timeout` seconds."""

    def close(self) -> None:
        """End the release, answered or not. Idempotent; blocks for some seconds at the longest."""


def plan_variants(jobs: int, variants_per_job: int) -> tuple[Variant, ...]:
    """Return the variants of a trial, named `job-1.variant-1` and so on."""
    return tuple(
        Variant(job_id=f"job-{job}", variant_id=f"job-{job}.variant-{number}")
        for job in range(1, jobs + 1)
        for number in range(1, variants_per_job + 1)
    )
