"""Who wrote a line, where its prefix says so for sure: several containers or processes may share one log.

    llava-1  | …   svc.1.x9@node | …   [pod/llava-0/app] …      a container each: compose, Swarm, Kubernetes
    … host llava[812]: …   (Replica:llava pid=812) …            a process each: journald, Ray
    [… INFO/ForkPoolWorker-1] …   {…, "process": 812, …}        a process each: Celery, JSON
    … [INFO ] W-9000-llava_1.0-stdout …   [runner:llava:1] …    a process each: TorchServe, BentoML

A name that may be a thread's is none of these: two loads in two threads of one process must not pass for one
in each of two processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Writer", "ended_writer", "writer_of"]

_REACH: Final = 400
_PREFIX: Final = re.compile(
    r"(?:(?P<container>[A-Za-z][\w.-]{0,80}[-_]\d{1,4}|[\w.-]{1,80}@[\w.-]{1,80}) {2,80}\| "
    r"|\[(?P<pod>pod/[\w.-]{1,120}(?:/[\w.-]{1,80})?)\] "
    r"|(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.,+-]{8,24}Z?) [\w.-]{1,80}"
    r" (?P<unit>(?P<name>[\w./@-]{1,80})\[\d{1,9}\]): "
    # vLLM's own processes share their lives: its profile tells them apart
    r"|\((?!EngineCore|Worker|VllmWorker|APIServer|RayWorkerWrapper)"
    r"[A-Za-z][\w:.#-]{0,80} (?P<replica>pid=\d{1,9}(?:, ip=[\w.:]{1,64})?)\) "
    r"|\[[\d ,:-]{19,30}: [A-Z]{4,8}/(?P<celery>(?:Fork|Spawn)PoolWorker-\d{1,6})\]"
    r"|\d{4}-\d\d-\d\d[T ][\d:,.+-]{8,24} \[[A-Z]{4,8} {0,4}\] "
    r"(?:(?P<torchserve>W-\d{1,6}-[\w.-]{1,80})-std(?:out|err) |\[(?P<bento>runner:[\w.-]{1,80}:\d{1,6})\] ))"
)
_THREAD: Final = re.compile(
    r"(?:thread|worker|variant|job|pool|task|executor|request|loader|dummy|asyncio|anyio|main|run)",
    re.IGNORECASE,
)
_EITHER: Final = re.compile(r"(?:^|[-_.])(?:worker|runner|loader|main|run)s?[-_]\d{1,4}$", re.IGNORECASE)
"""A compose service may be called like a thread."""
_ENDED: Final = re.compile(r"([A-Za-z][\w.-]{0,80}[-_]\d{1,4}) exited with code \d")
_KILLED: Final = re.compile(r" kernel: .{0,200}\bkilled process (\d{1,9})\b", re.IGNORECASE)
_UNIT_ENDED: Final = re.compile(
    r" systemd\[\d{1,9}\]: ([\w.@-]{1,80}?)\.service: "
    r"(?:main process exited|failed with result|a process of this)",
    re.IGNORECASE,
)
_JSON: Final = re.compile(
    r"\"(?:process|pid|process_id|process\.pid|processId)\"\s{0,2}:\s{0,2}(?:\{\"id\"\s{0,2}:\s{0,2})?(\d{1,9})\b"
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a line.

    `everywhere`: such a prefix stands before every line of a log, or it is none. `doubtful`: it may name a
    thread.
    """

    name: str
    everywhere: bool = False
    doubtful: bool = False


def writer_of(text: str) -> Writer | None:
    """Return the container or the process that the prefix of a line names, else None."""
    if text.startswith("{"):
        found = _JSON.search(text[-_REACH:]) or _JSON.search(text[:_REACH])
        return Writer(f"process {found[1]}") if found is not None else None
    match = _PREFIX.match(text)
    kind = match.lastgroup if match is not None else None
    if match is None or kind is None:
        return None
    doubtful = _THREAD.search(match["container"] or match["name"] or "") is not None
    if doubtful and (kind != "container" or not _EITHER.search(match[kind])):
        return None
    return Writer(match[kind], everywhere=kind in ("container", "pod"), doubtful=doubtful)


def ended_writer(text: str, writers: Iterable[str]) -> Writer | None:
    """Return which of these writers has ended, by what compose, the kernel or systemd says of it."""
    match = _ENDED.match(text)
    if match is not None:
        return next((Writer(name, everywhere=True) for name in writers if name == match[1]), None)
    match = _KILLED.search(text[:_REACH])
    if match is not None:
        return next((Writer(name) for name in writers if name.endswith(f"[{match[1]}]")), None)
    match = _UNIT_ENDED.search(text[:_REACH])
    if match is not None:
        of_unit = [name for name in writers if name.partition("[")[0] == match[1]]
        return Writer(of_unit[-1]) if of_unit else None
    return None
