"""Verdicts on containers' logs that pages ask for: from the container's last start on, at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dashboard.auditing.in_container import seen
from dashboard.engine.completeness import gaps_of, may_have_lost
from dashboard.engine.connection import Engine
from dashboard.engine.ends import ends_of
from dashboard.engine.faults import EngineError
from dashboard.engine.whole_log import sift_log
from dashboard.evidence import Gap, WorkerEnd
from dashboard.log_verdict import LogVerdict, judge_log
from dashboard.sieve import Sifted
from dashboard.target_settings import TargetSettings, TargetSettingsError, target_settings

__all__ = ["JudgedLog", "judge_container_log"]


@dataclass(frozen=True, slots=True)
class JudgedLog:
    """A container's log as it was judged at a moment (Unix seconds), or a sentence on why it could not be."""

    at: float
    judged: LogVerdict | None = None
    problem: str = ""


def judge_container_log(
    name: str, home: Path | None, open_engine: Callable[[], Engine] = Engine.open
) -> JudgedLog:
    """Judge the log of the container `name`, as `verdict --container` does. Blocks while its log is read."""
    gaps: list[Gap] = []
    ends: list[WorkerEnd] = []

    def lines(engine: Engine, settings: TargetSettings) -> Iterator[Sifted]:
        found, size = seen(engine.container(name), settings), 0
        for sifted in sift_log(engine, found, since=found.begun_at, until=None, profile=None):
            size += sifted.size
            yield sifted
        gaps.extend((*gaps_of(found), *may_have_lost(engine, found, found.begun_at, size)))
        ends.extend(ends_of(found))

    try:
        settings = target_settings(home) if home is not None else TargetSettings()
        with closing(open_engine()) as engine:
            return JudgedLog(time.time(), judge_log(lines(engine, settings), gaps=gaps, ends=ends))
    except (EngineError, TargetSettingsError) as error:
        return JudgedLog(time.time(), problem=str(error))
