"""The guide's steps as data: what one did by hand, what is done here instead, and how far it has come. Pure.

GuideFacts (target, newest run, log, audit, probe) --guide_steps--> GuideStep, … --> the Guide page
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from dashboard.diagnosis import Finding, finding
from dashboard.engine.facts import ContainerFacts
from dashboard.evidence import Counts
from dashboard.language import _, number
from dashboard.log_desk import JudgedLog
from dashboard.phases import live_counts
from dashboard.probe_desk import ProbeView
from dashboard.record import RunRecord
from dashboard.report import findings
from dashboard.retold import told
from dashboard.target_settings import TriggerSettings

__all__ = [
    "DEFAULT_MODULE",
    "GuideAction",
    "GuideFacts",
    "GuideStep",
    "ReadSource",
    "Tone",
    "cures",
    "result_rows",
]

DEFAULT_MODULE: Final = "services.llava_service:get_llava_model"
Tone = Literal["good", "bad", "doubt", "busy", "none"]
_CURES: Final = (
    "lock_not_used",
    "second_check_missing",
    "lock_per_call",
    "code_not_restarted",
    "pytorch_version",
    "to_empty",
    "device_map",
)
"""The guide's own list, in its order."""


@dataclass(frozen=True, slots=True)
class ReadSource:
    """What reading a container's source came to: `exit_code` as `audit` gives it, None where it failed."""

    at: float
    exit_code: int | None
    text: str


@dataclass(frozen=True, slots=True)
class GuideFacts:
    """What the console knows of the chosen target.

    Attributes:
        target: `local` or `container:NAME`.
        module: `MODULE:FUNCTION` that loads the model in the container.
        record: its newest guarded run, which may be under way.
        allowed: whether the container may be tested.
        trigger: how `targets.toml` says that it is triggered; None where it says nothing.
        python: the interpreter that runs the console, as one would type it.
    """

    target: str
    module: str = DEFAULT_MODULE
    record: RunRecord | None = None
    container: ContainerFacts | None = None
    allowed: bool = True
    log: JudgedLog | None = None
    source: ReadSource | None = None
    probe: ProbeView | None = None
    trigger: TriggerSettings | None = None
    python: str = ".venv/bin/python"

    @property
    def name(self) -> str | None:
        """The container's name; None for the local target."""
        kind, _colon, name = self.target.partition(":")
        return name if kind == "container" else None

    @property
    def counts(self) -> Counts | None:
        """What was counted last: in the newest run, or in the log, whichever is newer."""
        record, log = self.record, self.log
        if log is not None and log.judged is not None and (record is None or log.at > record.created_at):
            return log.judged.verdict.counts
        if record is None:
            return None
        return record.verdict.counts if record.verdict is not None else live_counts(record.shown_trial)


@dataclass(frozen=True, slots=True)
class GuideAction:
    """A live button: with `page` a link to it, else something that is done on the spot."""

    key: str
    label: str
    icon: str
    page: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    primary: bool = False


@dataclass(frozen=True, slots=True)
class GuideStep:
    """One step. `state` says in words how far it has come, `tone` colours it.

    `shell` is what does it by hand, as lines to be pasted; empty where that is no matter for a shell.
    """

    key: str
    title: str
    here: str
    actions: tuple[GuideAction, ...]
    tone: Tone
    state: str
    shell: str = ""


def result_rows(facts: GuideFacts) -> list[dict[str, str]]:
    """Return the guide's expected results beside what was seen last, a row for each."""
    counts = facts.counts
    seen = (
        (_("Model loading completed"), "1", counts.load_completed if counts else None),
        (_("Meta tensor errors"), "0", counts.meta_tensor_errors if counts else None),
        (_("Variants answered"), _("all"), _answered(counts)),
        (_("Different models"), "1", counts.unique_models if counts else None),
    )
    return [
        {_("What"): what, _("Expected"): right, _("Seen"): "–" if found is None else str(found)}
        for what, right, found in seen
    ]


def _answered(counts: Counts | None) -> str | None:
    if counts is None or counts.variants is None or counts.variants_ok is None:
        return None
    return _("{part} of {whole}", part=number(counts.variants_ok), whole=number(counts.variants))


def cures(facts: GuideFacts) -> tuple[Finding, ...]:
    """Return what to do where it is not so: for what the newest run shows, else the guide's whole list.

    A green run has nothing to be cured.
    """
    record = facts.record
    trial = record.shown_trial if record is not None and not record.running else None
    if record is None or trial is None or trial.verdict is None:
        found = tuple(map(finding, _CURES))
    else:
        found = findings(record)
    return tuple(replace(each, cause=told(each.cause), cure=told(each.cure)) for each in found)
