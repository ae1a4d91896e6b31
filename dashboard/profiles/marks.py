"""What servers say of their own processes: uvicorn, gunicorn, uWSGI, granian, Flask and vLLM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.profiles.echoes import repeats_a_mark

__all__ = ["MARKS", "Mark", "find_marks"]

_Kind = Literal["begin", "boot", "end", "reset", "size"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A server process that began (`begin`), ended (`end`), or a whole new service (`reset`).

    `boot`: gunicorn began a process, which may say of itself that it began, once it has imported the service.
    `size`: the service will have as many processes as `pid` says, that each load their part of the model.
    """

    kind: _Kind
    pid: int


MARKS: Final[tuple[tuple[_Kind, bytes, re.Pattern[bytes]], ...]] = (
    ("reset", b"started parent process", re.compile(rb"started parent process \[(\d{1,9})\]")),
    ("reset", b"started reloader process", re.compile(rb"started reloader process \[(\d{1,9})\]")),
    ("reset", b"] [info] starting gunicorn", re.compile(rb"\] \[info\] starting gunicorn()")),
    ("reset", b"vllm api server version", re.compile(rb"vllm api server version ()\d")),
    ("reset", b"*** starting uwsgi", re.compile(rb"\*\*\* starting uwsgi ()\d")),
    ("begin", b"started server process", re.compile(rb"started server process \[(\d{1,9})\]")),
    ("boot", b"booting worker with pid", re.compile(rb"booting worker with pid: (\d{1,9})")),
    ("begin", b"spawned uwsgi", re.compile(rb"spawned uwsgi worker \d{1,4} \((?:new )?pid: (\d{1,9})")),
    ("boot", b"spawning worker-", re.compile(rb"spawning worker-\d{1,4} with pid: (\d{1,9})")),
    ("begin", b"* serving flask app", re.compile(rb"\* serving flask app()")),
    ("end", b"finished server process", re.compile(rb"finished server process \[(\d{1,9})\]")),
    ("end", b"worker exiting (pid", re.compile(rb"worker exiting \(pid: (\d{1,9})\)")),
    ("end", b"damn ! worker", re.compile(rb"damn ! worker \d{1,4} \(pid: (\d{1,9})\) died")),
    ("size", b"in world size", re.compile(rb"in world size (\d{1,6}) is assigned")),
    ("size", b"tensor_parallel_size=", re.compile(rb"tensor_parallel_size=(\d{1,6})")),
)


def find_marks(data: bytes) -> tuple[Mark, ...]:
    """Return what a line in UTF-8 says about server processes."""
    low = data.lower()
    found: list[tuple[int, Mark]] = []
    for kind, anchor, expression in MARKS:
        at = low.find(anchor)
        while at >= 0:
            match = expression.match(low, at)
            if match is not None and not repeats_a_mark(data, at):
                found.append((at, Mark(kind, int(match[1] or 0))))
            at = low.find(anchor, at + 1)
    return tuple(mark for _, mark in sorted(found, key=lambda each: each[0]))
